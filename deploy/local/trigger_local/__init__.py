"""The platform on one machine: broker, database and services under one command, ``etp up``."""
