"""POST /triggers/bulk: many definitions in one body."""

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from trigger_api.domain.triggers.bulk import BulkCreated
from trigger_api.domain.triggers.fires import checked_key
from trigger_api.domain.triggers.queries import BulkQuery
from trigger_api.handlers.bulk import BulkCreates, BulkRequest
from trigger_contracts.bulk_body import MAX_BULK_BYTES, MAX_DEFINITIONS

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .openapi import answers
from .openapi import bodies as request_bodies
from .routes import actor_of, header, headers_of

AT_ONCE = 4
"""Requests in hand: none of them waits for its client. The next ones have sent their bodies."""

_DESCRIPTION = f"""Create many triggers in one request.

The body is NDJSON (`application/x-ndjson`: one definition a line, blank lines are skipped) or an
array (`application/json`), of at most {MAX_DEFINITIONS} definitions and
{MAX_BULK_BYTES // 1024 // 1024} MiB. Each is checked as one that is posted alone. If any is
refused, nothing is created and the answer is 422: its `errors` point at the definition, counted
from 0, and the field, as in `/3/interval`, and name the line. With `?partial=true` the others are
created all the same.

The answer has a line for each definition. Results that do not come in time are `accepted`: stored,
and applied soon. A 503 in the middle says how many are stored for certain; repeated with the same
`Idempotency-Key` and body, a request creates nothing twice and says what became of each.
"""
_STATUSES: dict[int, tuple[str, dict[str, Any]]] = {
    201: ("Every trigger was created", examples.ALL_CREATED),
    200: ("Some were refused, the others created", examples.SOME_REFUSED),
    202: ("Some are stored, and created later", examples.SOME_ACCEPTED),
}


def router(creates: BulkCreates, bodies: Bodies) -> APIRouter:
    """``POST /triggers/bulk``."""
    permits = asyncio.Semaphore(AT_ONCE)

    async def create_many(request: Request, query: Annotated[BulkQuery, Query()]) -> Response:
        key = checked_key(header(request, "idempotency-key"))
        async with bodies.many(headers_of(request), request.receive) as (split, body), permits:
            outcome = await creates.create(
                BulkRequest(
                    partial(split, body),
                    actor_of(request),
                    routes.key_id_of(request),
                    key,
                    partial=query.partial,
                )
            )
        shown = outcome.model_dump_json(exclude_none=True).encode()
        return HttpAnswer(outcome.status, shown).response()

    router = APIRouter(tags=["triggers"])
    routes.add(
        router,
        "POST",
        "/triggers/bulk",
        create_many,
        status=201,
        description=_DESCRIPTION,
        operation_id="createTriggers",
        refuses=(409,),
        responses={
            status: answers.json(BulkCreated, description, example=shown)
            for status, (description, shown) in _STATUSES.items()
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-ndjson": {
                        "schema": {"type": "string"},
                        "examples": {"lines": {"value": examples.NDJSON}},
                    },
                    "application/json": request_bodies.json_content(
                        "TriggerInputs", {"array": list(examples.CREATES.values())}
                    ),
                },
            },
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    return router
