"""The use cases: project the log and its deliveries, make the log quick to search, and erase what
is past its life.
"""

from .closing import HourCloser
from .deliveries import RecordProjector, RedriveProjector
from .indexing import Indexer
from .measuring import LogMeasuring
from .projection import Projector
from .sweeping import Sweeper

__all__ = [
    "HourCloser",
    "Indexer",
    "LogMeasuring",
    "Projector",
    "RecordProjector",
    "RedriveProjector",
    "Sweeper",
]
