"""The routes under /targets/ that read. What changes a target is in ``target_writes``."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from trigger_api.domain.queries import Page
from trigger_api.domain.targets.queries import TargetQuery
from trigger_api.domain.targets.sealing import Seals
from trigger_api.domain.targets.shown import (
    SealingKeyShown,
    TargetDetail,
    TargetVersion,
    shown,
    version_of,
)
from trigger_api.domain.triggers.etags import etag
from trigger_api.ports.targets import TargetViews

from . import routes
from .answers import HttpAnswer, json_answer
from .openapi import answers, headers
from .routes import checked_id, no_such, scopes_of

_VERSIONS = TypeAdapter(list[TargetVersion])


class TargetRoutes:
    """The endpoints. FastAPI reads their parameters, OpenAPI their docstrings."""

    def __init__(self, views: TargetViews, seals: Seals) -> None:
        self._views = views
        self._seals = seals

    async def list_targets(
        self, request: Request, query: Annotated[TargetQuery, Query()]
    ) -> Response:
        """Targets that exist, the newest first; the next page is in the `Link` header."""
        page, total = await asyncio.gather(self._views.targets(query), self._counted(query))
        link = routes.next_page(request, "/targets/", page.next_cursor)
        scopes = scopes_of(request)
        health = await self._views.health([one.target_id for one in page.rows])
        rows = [
            {**shown(one, scopes), "health": health[one.target_id].model_dump(mode="json")}
            for one in page.rows
        ]
        return json_answer(200, rows, {**link, **total}).response()

    async def _counted(self, query: TargetQuery) -> dict[str, str]:
        if not query.count:
            return {}
        total = await self._views.number_of(query)
        return {"x-total-count": str(total), "x-total-count-kind": "exact"}

    async def show(self, request: Request, target_id: str) -> Response:
        """One target, and how it is. Neither its secrets nor the values of its secret headers are
        shown.
        """
        found = await self._views.target(checked_id(target_id, "target"))
        if found is None:
            raise no_such("target", target_id)
        health = await self._views.health([target_id])
        fields = {
            **shown(found, scopes_of(request)),
            "health": health[target_id].model_dump(mode="json"),
        }
        return json_answer(200, fields, {"etag": etag(found.version)}).response()

    async def history(
        self, request: Request, target_id: str, query: Annotated[Page, Query()]
    ) -> Response:
        """Every version of a target, who made it and when, the newest first."""
        own_id = checked_id(target_id, "target")
        page = await self._views.history(own_id, query.limit, query.cursor)
        if page is None:
            raise no_such("target", target_id)
        link = routes.next_page(request, f"/targets/{target_id}/history", page.next_cursor)
        scopes = scopes_of(request)
        versions = [version_of(one, scopes) for one in page.rows]
        return HttpAnswer(200, _VERSIONS.dump_json(versions), headers=link).response()

    async def sealing_key(self) -> Response:
        """The public key that secrets are sealed to by whoever publishes commands over NATS.

        By REST they are sent as they are: the gateway seals them.
        """
        key = self._seals.key
        body = SealingKeyShown(key_id=key.key_id, public_key=key.text)
        return HttpAnswer(200, body.model_dump_json().encode()).response()


def router(endpoints: TargetRoutes) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["targets"])
    routes.add(
        router,
        "GET",
        "/targets/",
        endpoints.list_targets,
        operation_id="listTargets",
        responses={
            200: answers.json(
                list[TargetDetail],
                "A page of targets",
                *headers.OF_PAGES,
            )
        },
    )
    # Before the route of one target: it is no id.
    routes.add(
        router,
        "GET",
        "/targets/sealing-key",
        endpoints.sealing_key,
        operation_id="getSealingKey",
        responses={200: answers.json(SealingKeyShown, "The key")},
    )
    one = "/targets/{target_id}"
    routes.add(
        router,
        "GET",
        one,
        endpoints.show,
        operation_id="getTarget",
        responses={200: answers.json(TargetDetail, "The target", headers.ETAG)},
    )
    routes.add(
        router,
        "GET",
        f"{one}/history",
        endpoints.history,
        operation_id="listTargetVersions",
        responses={200: answers.json(list[TargetVersion], "A page of versions", headers.LINK)},
    )
    return router
