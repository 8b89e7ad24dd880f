"""The executor's two use cases: record what is due, record what was fired.

Each takes a batch and returns the messages that must come again; what the others led to is
durable by then, so the caller may acknowledge them. A message that cannot be handled becomes
a dead letter and never hinders the others. Raises ``DependencyUnavailable`` where the broker
is away: then all of it must come again.
"""

from .dues import RecordDues
from .fires import RecordFires
from .recording import Recorder

__all__ = ["RecordDues", "RecordFires", "Recorder"]
