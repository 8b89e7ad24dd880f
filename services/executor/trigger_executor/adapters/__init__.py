"""The executor's ports on JetStream."""
