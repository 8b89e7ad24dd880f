"""POST /events/{id}/redeliver, /deliveries/redeliver and /deliveries/cancel."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from trigger_api.domain.deliveries.again import (
    MAX_DELIVERIES,
    DeliveriesAccepted,
    DeliveriesCounted,
    RedeliveryAccepted,
    requested,
    requested_targets,
)
from trigger_api.domain.triggers.fires import checked_key
from trigger_api.handlers.redeliveries import DeliveriesWish, Redeliveries
from trigger_contracts.subjects import Verb

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .openapi import answers, headers
from .openapi import bodies as request_bodies
from .routes import actor_of, header, headers_of

AT_ONCE = 2
"""Requests about many deliveries in hand; others wait."""

_ONE = """Deliver an event again, to its own targets or to others.

What still waits is tried now; what has ended, however, begins its next round, with the same
`webhook-id`. A target that it was not delivered to gets it for the first time. Repeated before the
round has ended, the request does nothing twice; under one `Idempotency-Key` it never does.
"""
_LIMITS = f"""
Meant are at most {MAX_DELIVERIES} deliveries: if more match, nothing happens and the answer (422)
says so. The filter must have a field. With `"dry_run": true` they are only counted.

A delivery that stands elsewhere by the time its turn comes is left alone. A 503 in the middle says
how many are stored for certain. Repeated with the same `Idempotency-Key` and filter, a request
does nothing twice: it means the deliveries of the first one, and goes on where that one ended.
"""
_REDELIVER = f"""Deliver again what passes a filter, each as by itself.

What still waits is tried now; what has ended begins its next round.
{_LIMITS}"""
_CANCEL = f"""Give up what waits and passes a filter: it ends dead, `cancelled`.

An attempt in flight is not called back: what it delivers is delivered.
{_LIMITS}"""


def router(redeliveries: Redeliveries, bodies: Bodies) -> APIRouter:
    """Of one event, and of all deliveries that pass a filter."""
    permits = asyncio.Semaphore(AT_ONCE)

    def wish_of(request: Request, verb: Verb) -> DeliveriesWish:
        key = checked_key(header(request, "idempotency-key"))
        return DeliveriesWish(verb, actor_of(request), routes.key_id_of(request), key)

    async def redeliver_event(request: Request, event_id: str) -> Response:
        wish = wish_of(request, Verb.REDELIVER)
        targets = requested_targets(
            await bodies.optional_json(headers_of(request), request.receive)
        )
        accepted = await redeliveries.event(event_id, targets, wish)
        location = {"location": f"/events/{accepted.event_id}"}
        return HttpAnswer(202, accepted.model_dump_json().encode(), headers=location).response()

    async def change(request: Request, verb: Verb) -> Response:
        wish = wish_of(request, verb)
        asked = requested(await bodies.json(headers_of(request), request.receive), verb)
        async with permits:
            if asked.dry_run:
                counted = await redeliveries.count(asked.filter)
                return HttpAnswer(200, counted.model_dump_json().encode()).response()
            accepted = await redeliveries.change(asked.filter, wish)
        return HttpAnswer(202, accepted.model_dump_json().encode()).response()

    async def redeliver_many(request: Request) -> Response:
        return await change(request, Verb.REDELIVER)

    async def cancel_many(request: Request) -> Response:
        return await change(request, Verb.CANCEL)

    router = APIRouter(tags=["deliveries"])
    routes.add(
        router,
        "POST",
        "/events/{event_id}/redeliver",
        redeliver_event,
        status=202,
        description=_ONE,
        operation_id="redeliverEvent",
        refuses=(409, 410),
        responses={202: answers.json(RedeliveryAccepted, "The wish is stored", headers.LOCATION)},
        openapi_extra={
            **request_bodies.body("RedeliveryRequest", examples.REDELIVERIES, required=False),
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    for verb, endpoint, name, description, shown in (
        ("redeliver", redeliver_many, "redeliverDeliveries", _REDELIVER, examples.REDELIVER_MANY),
        ("cancel", cancel_many, "cancelDeliveries", _CANCEL, examples.CANCEL_MANY),
    ):
        routes.add(
            router,
            "POST",
            f"/deliveries/{verb}",
            endpoint,
            status=202,
            description=description,
            operation_id=name,
            refuses=(409,),
            responses={
                202: answers.json(DeliveriesAccepted, "The wishes are stored"),
                200: answers.json(DeliveriesCounted, "Counted, nothing happens"),
            },
            openapi_extra={
                **request_bodies.body("DeliveriesRequest", shown),
                "parameters": [routes.IDEMPOTENCY_KEY],
            },
        )
    return router
