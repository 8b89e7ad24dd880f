"""The use cases: project the log, make it quick to search, and erase what is past its life."""

from .closing import HourCloser
from .indexing import Indexer
from .measuring import LogMeasuring
from .projection import Projector
from .sweeping import Sweeper

__all__ = ["HourCloser", "Indexer", "LogMeasuring", "Projector", "Sweeper"]
