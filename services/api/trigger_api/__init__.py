"""The gateway: REST in, commands out, views read.

It decides nothing. It authenticates, validates (what a command finally means the scheduler
and the executor say), publishes commands durably, waits a moment for their results, and reads
the other services' SQL views. It owns idempotency keys and API keys, and no table.
"""
