"""The gateway's ports on JetStream and PostgreSQL."""
