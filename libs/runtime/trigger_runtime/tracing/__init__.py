"""Spans on their way to a collector, in a thread beside the service; off unless asked for.

The pure part (ids, sampling, what a span says) is ``trigger_contracts.tracing``.
"""
