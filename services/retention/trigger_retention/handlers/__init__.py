"""The use cases: project the log, make it quick to search, and erase what is past its life."""

from .closing import HourCloser
from .indexing import Indexer
from .projection import Projector
from .sweeping import Sweeper

__all__ = ["HourCloser", "Indexer", "Projector", "Sweeper"]
