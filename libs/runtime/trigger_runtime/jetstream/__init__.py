"""NATS JetStream, where facts are stored: one connection, publishing, reading.

``connection`` is what everything else here stands on. ``publisher`` writes, many messages at a
time and each under the sequence that it expects (``acknowledgement`` reads the answers);
``reader`` reads by sequence or subject, from the leader; ``records`` passes over what cannot be
read; ``guard`` refuses to go on where a stream lacks what was there; ``idempotency_store`` keeps
keys.
"""
