"""Targets: where fired events are delivered to, and what became of each delivery.

Pure: what a target may be, which addresses are allowed, how secrets are sealed, what the records
of deliveries mean.
"""
