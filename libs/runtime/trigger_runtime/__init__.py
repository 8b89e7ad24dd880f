"""Plumbing shared by the services: no domain knowledge, no decision about triggers.

Each module is one concern (connection, publishing, reading, consuming, database, health,
lifecycle). Only ``bootstrap`` modules and adapters import this package.
"""
