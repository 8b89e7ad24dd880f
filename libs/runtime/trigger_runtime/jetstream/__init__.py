"""NATS JetStream, where facts are stored: one connection, publishing, reading.

``client`` is nats-py's, mended and made quicker; ``connection`` keeps one connected, and is what
everything else here stands on. ``publisher`` appends ``message``s,
each under the sequence that it expects: it cuts many into ``batches`` and commits those of the
same moment as a group; ``atomic_batch`` is one such write (``acknowledgement`` reads the answers);
``reader`` reads by sequence or subject, from the leader; ``records`` passes over what cannot be
read; ``guard`` refuses to go on where a stream lacks what was there; ``idempotency_store`` keeps
keys.
"""
