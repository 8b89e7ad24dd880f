"""The routes under /deliveries/ that read."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from trigger_api.domain.deliveries.queries import DeliveryQuery
from trigger_api.domain.deliveries.shown import DeliveryDetail, DeliveryShown
from trigger_api.domain.log import lifetimes
from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.ports.deliveries import DeliveryViews
from trigger_api.ports.process import Clock
from trigger_contracts.errors import Code, Refused, refused

from . import routes
from .answers import HttpAnswer
from .openapi import answers, headers

_PAGE = TypeAdapter(list[DeliveryShown])


def router(views: DeliveryViews, clock: Clock, lives: Lifetimes) -> APIRouter:
    """Lists of deliveries, and single ones."""

    async def list_deliveries(
        request: Request, query: Annotated[DeliveryQuery, Query()]
    ) -> Response:
        """Deliveries of the log's events, those of the newest first; the next page is in `Link`."""
        page = await views.deliveries(query.checked())
        link = routes.next_page(request, "/deliveries/", page.next_cursor)
        return HttpAnswer(200, _PAGE.dump_json(page.rows), headers=link).response()

    async def show(delivery_id: str) -> Response:
        """One delivery with its attempts. It is gone when its event is."""
        wanted = _parsed(delivery_id)
        found = await views.delivery(wanted)
        if found is None and lifetimes.is_over(wanted, clock.now(), lives.kept_for):
            hours = lives.kept_for / timedelta(hours=1)
            detail = f"deliveries are erased with their events, {hours:g} hours after these"
            raise refused(Code.GONE, f"{detail} are logged")
        if found is None:
            raise _absent()
        return HttpAnswer(200, found.model_dump_json().encode()).response()

    router = APIRouter(tags=["deliveries"])
    routes.add(
        router,
        "GET",
        "/deliveries/",
        list_deliveries,
        operation_id="listDeliveries",
        responses={200: answers.json(list[DeliveryShown], "A page of deliveries", headers.LINK)},
    )
    routes.add(
        router,
        "GET",
        "/deliveries/{delivery_id}",
        show,
        operation_id="getDelivery",
        refuses=(410,),
        responses={200: answers.json(DeliveryDetail, "The delivery")},
    )
    return router


def _parsed(delivery_id: str) -> UUID:
    try:
        return UUID(delivery_id)
    except ValueError:
        raise _absent() from None


def _absent() -> Refused:
    return refused(Code.NOT_FOUND, "there is no such delivery")
