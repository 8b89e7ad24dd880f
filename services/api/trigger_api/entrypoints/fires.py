"""POST /triggers/{id}/fire and /triggers/{id}/test: the hot path, straight on ASGI.

``Gateway`` calls it before any router: routing costs more than publishing. The routes also
stand in the FastAPI application, so that OpenAPI has them.
"""

import re
from collections.abc import Callable
from typing import Any

from starlette.types import Receive

from trigger_api.domain.triggers.fires import FireRequest, checked_key, fire_fields
from trigger_api.domain.triggers.traces import Route
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.traces import FireTraces
from trigger_contracts import tracing
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.ids import is_valid_id

from .answers import HttpAnswer
from .bodies import Bodies, Headers
from .traced import end_failed

PATH = re.compile(r"/triggers/([^/]+)/(fire|test)/?")
ACCEPTED = 202
TRACEPARENT = tracing.TRACEPARENT.encode()


class FireEndpoint:
    """Turns a request into a fire, and its outcome into an answer; raises what refuses it."""

    def __init__(self, fires: Fires, bodies: Bodies, traces: FireTraces | None = None) -> None:
        self._fires = fires
        self._bodies = bodies
        self._traces = traces

    async def answer(
        self,
        trigger_id: str,
        headers: Headers,
        receive: Receive,
        actor: str,
        *,
        is_test: bool,
        check: Callable[[], None] | None = None,
    ) -> HttpAnswer:
        """``check`` raises what else the request is refused for."""
        if not is_valid_id(trigger_id):
            raise refused(Code.NOT_FOUND, "there is no trigger with such an id")
        traces, trace = self._traces, None
        if traces is not None:
            route = Route.TEST if is_test else Route.FIRE
            trace = traces.begin(route, trigger_id, headers.get(TRACEPARENT))
        try:
            try:
                if check is not None:
                    check()
                key = headers.get(b"idempotency-key")
                checked = checked_key(None if key is None else key.decode("latin-1"))
                body: Any = await self._bodies.optional_json(headers, receive)
                fields = fire_fields(body, is_test=is_test)
            except Refused as refusal:
                asked = FireRequest(trigger_id, {}, actor, is_test=is_test, trace=trace)
                await self._fires.refuse(asked, refusal.problem)
                raise
            event_id = await self._fires.fire(
                FireRequest(trigger_id, fields, actor, key=checked, is_test=is_test, trace=trace)
            )
        except Exception as error:
            end_failed(traces, trace, error)
            raise
        if traces is not None and trace is not None:
            traces.end(trace, ACCEPTED)
        return HttpAnswer(
            ACCEPTED,
            b'{"event_id":"%s","status":"accepted"}' % event_id.encode(),
            headers={"location": f"/events/{event_id}"},
        )
