"""Rendered manifests, replayed on a container engine: the nearest to a cluster without one.

Every pod becomes a container with its command, variables, user, volumes and limits; each network
policy becomes a network of those whom it lets through, and of nobody else; probes are asked, hooks
run and grace periods kept as a kubelet does; the test is the Service that sends requests to ready
pods. What it does not show: scheduling, storage drivers, ports within a policy.
"""
