"""HTTP as it is served by the gateway and by each worker alike: a guarded server, health, metrics.

What may be connected, how large and how slow a request may be, is decided before any application
is asked (``server``, ``connections``); what is refused there is a problem like any other
(``refusals``). ``health`` is a worker's whole application: /health, /ready, /serving, /metrics,
/asyncapi; ``operations`` serves it beside everything else.
"""
