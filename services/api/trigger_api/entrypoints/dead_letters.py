"""The routes under /dead-letters/: what no service could handle, and a way to try again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from trigger_api.domain.dead_letters import DeadLetterQuery, DeadLetterShown, RedriveShown
from trigger_api.handlers.dead_letters import DeadLetterQueue
from trigger_runtime.process.logging_setup import get_logger

from . import routes
from .answers import HttpAnswer
from .openapi import answers, headers
from .routes import actor_of

log = get_logger(__name__)

_LETTERS = TypeAdapter(list[DeadLetterShown])


def router(queue: DeadLetterQueue) -> APIRouter:
    """All three routes."""

    async def list_letters(
        request: Request, query: Annotated[DeadLetterQuery, Query()]
    ) -> Response:
        """What is left to do: dead letters with reason and original, the newest first.

        They are gone 48 h after their message was stored, and at once when they are handled.
        """
        page = await queue.page(query)
        link = routes.next_page(request, "/dead-letters/", page.next_cursor)
        return HttpAnswer(200, _LETTERS.dump_json(page.rows), headers=link).response()

    async def show(letter_id: str) -> Response:
        """One dead letter, with all that is kept of the original."""
        return HttpAnswer(200, (await queue.show(letter_id)).model_dump_json().encode()).response()

    async def redrive(request: Request, letter_id: str) -> Response:
        """Have its service handle the message again, as it was and under its own time and ids.

        200 tells the outcome: `handled`, and the letter is gone; or `failed`, and it stays with
        the new reason. 202 where the service has not answered in time, 503 where it is not there.
        Repeating it does no harm: what a message leads to has the same id every time.
        """
        done = await queue.redrive(letter_id)
        log.info("redrive", letter=letter_id, actor=actor_of(request), status=done.status)
        status = 202 if done.status == "accepted" else 200
        return HttpAnswer(status, done.model_dump_json().encode()).response()

    router = APIRouter(tags=["dead letters"])
    routes.add(
        router,
        "GET",
        "/dead-letters/",
        list_letters,
        operation_id="listDeadLetters",
        responses={
            200: answers.json(list[DeadLetterShown], "A page of dead letters", headers.LINK)
        },
    )
    one = "/dead-letters/{letter_id}"
    routes.add(
        router,
        "GET",
        one,
        show,
        operation_id="getDeadLetter",
        refuses=(410,),
        responses={200: answers.json(DeadLetterShown, "The dead letter")},
    )
    routes.add(
        router,
        "POST",
        f"{one}/redrive",
        redrive,
        operation_id="redriveDeadLetter",
        refuses=(410,),
        responses={
            200: answers.json(RedriveShown, "Handled, or failed again"),
            202: answers.json(RedriveShown, "Its service has not answered yet"),
        },
    )
    return router
