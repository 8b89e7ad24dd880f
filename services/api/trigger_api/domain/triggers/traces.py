"""What the trace of a fire says of its request: collected as it goes on, and spans in the end.

Pure. Nothing of it decides anything about the fire.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum

from trigger_contracts.subjects import Verb, command
from trigger_contracts.tracing import (
    TRACEPARENT,
    SpanContext,
    SpanKind,
    TraceSpan,
    beside,
    root_of,
    sent,
    stage_of,
    trace_id_of,
    traceparent_of,
)


class Route(Enum):
    """Which request fires: the name of its span, and its route."""

    FIRE = ("POST fire", "/triggers/{trigger_id}/fire")
    TEST = ("POST test", "/triggers/{trigger_id}/test")
    REPLAY = ("POST replay", "/events/{event_id}/replay")
    REPLAYS = ("POST replays", "/events/replay")

    @property
    def span(self) -> str:
        return self.value[0]

    @property
    def path(self) -> str:
        return self.value[1]


class FireTrace:
    """One request to fire. What is None has not happened (yet).

    One is made for each request, and most come to nothing: what is not said costs nothing.
    """

    event_id: str | None = None
    is_wanted = False
    """Whether anybody will look at it, as far as is known."""
    replay_of: str | None = None
    is_rejected = False
    is_repetition = False
    """Another request holds the key: the trace is begun already."""
    claiming_at: datetime | None = None
    claimed_at: datetime | None = None
    publishing_at: datetime | None = None
    published_at: datetime | None = None

    def __init__(
        self,
        route: Route,
        begun_at: datetime,
        samples: Callable[[int], bool],
        caller: SpanContext | None = None,
        trigger_id: str | None = None,
    ) -> None:
        """``samples`` says which traces are wanted by their ids, ``caller`` who asks for this."""
        self.route = route
        self.begun_at = begun_at
        self.caller = caller
        self.trigger_id = trigger_id
        self._samples = samples

    def becomes(self, event_id: str) -> bool:
        """The event is known; whether its trace is wanted, and so what follows is to be noted."""
        self.event_id = event_id
        self.is_wanted = self.caller is not None or self._samples(trace_id_of(event_id))
        return self.is_wanted

    @property
    def headers(self) -> dict[str, str] | None:
        """What the command carries: nothing, unless its caller asked for the trace."""
        if self.caller is None or self.event_id is None:
            return None
        return {TRACEPARENT: traceparent_of(root_of(self.event_id))}


def spans_of(trace: FireTrace, status: int, ended_at: datetime) -> Iterator[TraceSpan]:
    """The gateway's spans of a request that was answered with this HTTP status."""
    caller, event_id = trace.caller, trace.event_id
    root = None if event_id is None else root_of(event_id)
    own = None
    if caller is not None:
        own = beside(caller, event_id or "", trace.begun_at.isoformat())
        yield _request(trace, status, ended_at, own, caller, SpanKind.SERVER, root)
    if event_id is None or root is None:
        return
    # Of the spans of one request one is the server's, and none of many replays.
    is_server = own is None and trace.route is not Route.REPLAYS
    kind = SpanKind.SERVER if is_server else SpanKind.INTERNAL
    origin = None if trace.replay_of is None else root_of(trace.replay_of)
    if trace.is_repetition:
        # The root is the first request's: this one stands below it, told apart by its time.
        again = stage_of(event_id, f"repeated {trace.begun_at.isoformat()}")
        yield _request(trace, status, ended_at, again, root, kind, own, origin)
        return
    yield _request(trace, status, ended_at, root, None, kind, own, origin)
    yield from _steps(trace, event_id, root)


def _request(
    trace: FireTrace,
    status: int,
    ended_at: datetime,
    context: SpanContext,
    parent: SpanContext | None,
    kind: SpanKind,
    *links: SpanContext | None,
) -> TraceSpan:
    return TraceSpan(
        trace.route.span,
        context,
        parent,
        kind,
        trace.begun_at,
        ended_at,
        _about(trace, status),
        links=tuple(link for link in links if link is not None),
        error=f"answered {status}" if status >= 500 else None,
    )


def _steps(trace: FireTrace, event_id: str, root: SpanContext) -> Iterator[TraceSpan]:
    ids: dict[str, str | int | bool] = {"etp.event_id": event_id}
    if trace.trigger_id is not None:
        ids["etp.trigger_id"] = trace.trigger_id
    if trace.claiming_at is not None and trace.claimed_at is not None:
        yield TraceSpan(
            "claim",
            stage_of(event_id, "claim"),
            root,
            SpanKind.INTERNAL,
            trace.claiming_at,
            trace.claimed_at,
            ids,
        )
    if trace.publishing_at is not None and trace.published_at is not None:
        yield TraceSpan(
            "publish",
            stage_of(event_id, "publish"),
            root,
            SpanKind.PRODUCER,
            trace.publishing_at,
            trace.published_at,
            {**sent(command(Verb.FIRE), "publish"), **ids},
        )


def _about(trace: FireTrace, status: int) -> dict[str, str | int | bool]:
    about: dict[str, str | int | bool] = {
        "http.request.method": "POST",
        "http.route": trace.route.path,
        "http.response.status_code": status,
        "etp.status": _status(trace, status),
    }
    if status >= 500:
        about["error.type"] = str(status)
    named = {
        "etp.trigger_id": trace.trigger_id,
        "etp.event_id": trace.event_id,
        "etp.replay_of": trace.replay_of,
    }
    about |= {name: value for name, value in named.items() if value is not None}
    if trace.is_repetition:
        about["etp.repeated"] = True
    return about


def _status(trace: FireTrace, status: int) -> str:
    if status >= 500:
        return "failed"
    return "rejected" if trace.is_rejected or status >= 400 else "accepted"
