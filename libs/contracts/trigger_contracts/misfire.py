"""What becomes of occurrences that are found due too late: the misfire policy, as a value.

Whether one is too late is the scheduler's question (its grace period); this says what its
owner wants then. Pure.
"""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .topology import LOG_LIFE

MAX_COUNT = 1000
"""Occurrences that may be listed, or fired late, one by one."""

DEFAULT_COUNT = 100
"""As many where the owner does not say."""

MAX_AGE = LOG_LIFE - timedelta(hours=1)
"""An occurrence found later than this is missed, never fired: after 48 h the broker no longer
holds the record that would prove whether it fired. The hour is room for clocks and the sweep."""


class Misfire(BaseModel):
    """The policy of a schedule.

    ``none``  nothing fires late: each occurrence is missed
    ``last``  the last one fires late, the ones before it are missed
    ``all``   each fires late, in order: the last ``max_count`` of them

    None older than ``max_age`` fires late. Of ``none`` and ``last``, ``max_count`` says up to
    how many missed occurrences are logged one by one; more are summed in one row.
    """

    model_config = ConfigDict(frozen=True)

    policy: Literal["none", "last", "all"] = "last"
    max_age: timedelta | None = None
    max_count: int = DEFAULT_COUNT

    @property
    def late_fires(self) -> int:
        """How many occurrences, found late together, fire."""
        match self.policy:
            case "none":
                return 0
            case "last":
                return 1
            case "all":
                return self.max_count

    @property
    def listed(self) -> int:
        """How many missed occurrences, found together, are logged one by one."""
        return DEFAULT_COUNT if self.policy == "all" else self.max_count


DEFAULT = Misfire()
