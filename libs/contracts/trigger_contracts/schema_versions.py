"""Which version of each PostgreSQL schema this version of the platform is made for.

A schema's version is the number of its newest migration, and a release adds at most one to each:
services of one version run on the schemas of theirs and of the next one. So a database is brought
up to date first, with the old services at work, and services can be rolled back by one version.
"""

from collections.abc import Mapping

SCHEMA_VERSIONS: Mapping[str, int] = {"scheduler": 6, "retention": 4, "executor": 2}
"""By the schema's name. The gateway reads them all, and knows none's migrations."""

MOST_AHEAD = 1
"""So many versions a schema may be newer than its services."""
