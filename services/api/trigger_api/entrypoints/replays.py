"""POST /events/{id}/replay and POST /events/replay: what was logged, fired again."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from trigger_api.domain.log.replays import (
    MAX_REPLAYS,
    ReplayAccepted,
    ReplaysAccepted,
    ReplaysCounted,
    requested,
)
from trigger_api.domain.triggers.fires import checked_key
from trigger_api.domain.triggers.traces import FireTrace, Route
from trigger_api.handlers.bulk_replays import BulkReplay, BulkReplays
from trigger_api.handlers.replays import Replays
from trigger_api.handlers.traces import FireTraces
from trigger_api.ports.log import LogViews
from trigger_contracts.errors import Code, refused

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .coverage import coverage
from .fires import TRACEPARENT
from .openapi import answers, headers
from .openapi import bodies as request_bodies
from .routes import actor_of, header, headers_of
from .traced import traced

AT_ONCE = 2
"""Requests for many replays in hand; others wait. Each holds 1 MiB of payloads and its share of
the database's connections."""

_ONE = """Replay an event: its trigger fires again, with exactly the payload that was logged.

The new event has the source `replay` and names its origin in `replay_of`; a replay of a test is a
test. A missed event fires with the trigger's own payload: so one makes up for it. The payload is
held to the trigger's schema as it is now. A rejected event has no payload and cannot be replayed
(`not-replayable`); nor can one whose trigger is gone (404). The body is empty.
"""
_MANY = f"""Replay the events that pass a filter, the oldest first, each as by itself.

Meant is what was logged before the request, at most {MAX_REPLAYS} events: if more match, nothing
is replayed and the answer (422) says how many. The filter must have a field. With `"dry_run": true`
nothing is replayed and the answer counts what would be. What cannot be replayed is counted under
the code of its refusal.

A 503 in the middle says how many are replayed for certain. Repeated with the same
`Idempotency-Key` and filter, a request replays nothing twice: it means what was logged before the
first one, and goes on where that one ended.
"""


def router(
    replays: Replays,
    bulk: BulkReplays,
    views: LogViews,
    bodies: Bodies,
    traces: FireTraces | None = None,
) -> APIRouter:
    """Replays: of one event, and of all that pass a filter."""
    permits = asyncio.Semaphore(AT_ONCE)

    async def replay_one(request: Request, event_id: str) -> Response:
        if traces is None:
            return (await replayed(request, event_id)).response()
        given = headers_of(request).get(TRACEPARENT)
        trace = traces.begin(Route.REPLAY, traceparent=given)
        return (await traced(traces, trace, replayed(request, event_id, trace))).response()

    async def replayed(
        request: Request, event_id: str, trace: FireTrace | None = None
    ) -> HttpAnswer:
        key = checked_key(header(request, "idempotency-key"))
        if await bodies.optional_json(headers_of(request), request.receive) not in (None, {}):
            detail = "nothing may be given: a replay carries what its origin did"
            raise refused(Code.INVALID, detail, pointer="")
        accepted = await replays.replay(event_id, actor_of(request), key, trace)
        location = {"location": f"/events/{accepted.event_id}"}
        return HttpAnswer(202, accepted.model_dump_json().encode(), headers=location)

    async def replay_many(request: Request) -> Response:
        key = checked_key(header(request, "idempotency-key"))
        asked = requested(await bodies.json(headers_of(request), request.receive))
        wanted = BulkReplay(asked.filter, actor_of(request), routes.key_id_of(request), key)
        covered = await coverage(views, asked.filter)
        async with permits:
            if asked.dry_run:
                counted = await bulk.count(wanted)
                return HttpAnswer(
                    200, counted.model_dump_json().encode(), headers=covered
                ).response()
            accepted = await bulk.replay(wanted)
        return HttpAnswer(202, accepted.model_dump_json().encode(), headers=covered).response()

    router = APIRouter(tags=["events"])
    routes.add(
        router,
        "POST",
        "/events/replay",
        replay_many,
        status=202,
        description=_MANY,
        operation_id="replayEvents",
        refuses=(409,),
        responses={
            202: answers.json(
                ReplaysAccepted,
                "The replays are stored",
                headers.COVERAGE,
                example=examples.REPLAYS_ACCEPTED,
            ),
            200: answers.json(
                ReplaysCounted,
                "Counted, nothing is replayed",
                headers.COVERAGE,
                example=examples.REPLAYS_COUNTED,
            ),
        },
        openapi_extra={
            **request_bodies.body("ReplayRequest", examples.REPLAYS),
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    routes.add(
        router,
        "POST",
        "/events/{event_id}/replay",
        replay_one,
        status=202,
        description=_ONE,
        operation_id="replayEvent",
        refuses=(409, 410),
        responses={
            202: answers.json(
                ReplayAccepted,
                "The replay is stored",
                headers.LOCATION,
                example=examples.REPLAY_ACCEPTED,
            )
        },
        openapi_extra={
            **request_bodies.body("NothingInput", {}, required=False),
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    return router
