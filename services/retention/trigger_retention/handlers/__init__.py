"""The use cases: project the log and its deliveries, make the log quick to search, and erase what
is past its life.
"""

from .closing import HourCloser
from .deliveries import DeliveryProjector, RedriveProjector
from .indexing import Indexer
from .measuring import LogMeasuring
from .projection import Projector
from .sweeping import Sweeper

__all__ = [
    "DeliveryProjector",
    "HourCloser",
    "Indexer",
    "LogMeasuring",
    "Projector",
    "RedriveProjector",
    "Sweeper",
]
