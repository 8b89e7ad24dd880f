"""Plumbing shared by the services: no domain knowledge, no decision about triggers.

From the bottom: ``process`` (settings, log lines, metrics, loops), ``http`` (a guarded server,
health), ``jetstream`` (connection, publishing, reading), ``consuming`` (the life of a message),
then ``postgres`` and ``dead_letters``; ``heartbeat`` says that a worker lives, and ``worker`` puts
all of it together. No room knows one above it: import-linter holds that. Only ``bootstrap``
modules, adapters and entrypoints import this package.
"""
