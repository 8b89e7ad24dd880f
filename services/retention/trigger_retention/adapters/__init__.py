"""PostgreSQL and JetStream behind the ports."""
