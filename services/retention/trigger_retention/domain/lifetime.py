"""How long a row of the log lives.

The views that apply it are SQL (adapters/migrations): there is one clock, PostgreSQL's.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A row is active until ``active_for`` old, archived until ``kept_for`` old, then erased."""

    active_for: timedelta
    kept_for: timedelta
