"""Deliveries: what is recorded of an event on its way to a target, and what the records say.

Pure. What the gateway, the executor and retention have in common.
"""
