"""The trace of a request that fires, around whatever answers it."""

from collections.abc import Awaitable

from trigger_api.domain.triggers.traces import FireTrace
from trigger_api.handlers.traces import FireTraces

from .answers import HttpAnswer, problem_of
from .bodies import Disconnected

GONE = 499
"""As counted where a client goes before it is answered."""


async def traced(
    traces: FireTraces, trace: FireTrace, answering: Awaitable[HttpAnswer]
) -> HttpAnswer:
    """What ``answering`` gives or raises; the trace is told of it."""
    try:
        answer = await answering
    except Exception as error:
        end_failed(traces, trace, error)
        raise
    traces.end(trace, answer.status)
    return answer


def end_failed(traces: FireTraces | None, trace: FireTrace | None, error: Exception) -> None:
    """The request is answered with what ``error`` means."""
    if traces is not None and trace is not None:
        traces.end(trace, _status_of(error))


def _status_of(error: Exception) -> int:
    if isinstance(error, Disconnected):
        return GONE
    found = problem_of(error)
    return 500 if found is None else found.status
