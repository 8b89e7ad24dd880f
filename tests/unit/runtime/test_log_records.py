"""What a record says of itself and of an exception, in both formats."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest
import structlog
from nats.errors import NoServersError
from pydantic import BaseModel

from tests.support.logging_kept import logging_kept
from trigger_runtime.process import logging_setup as logs
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.log_context import LogContext, of_message
from trigger_runtime.process.settings import LogSettings

CANARY = "canary-7f3a"
EVENT_ID = "01a22d1f-c621-782f-8f9f-179001d568b3"
TRACE_ID = EVENT_ID.replace("-", "")


@pytest.fixture(params=["json", "console"])
def logged(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], str]]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with logging_kept():
        logs.set_up_logging(LogSettings(log_format=request.param), service="api")
        yield written.getvalue


class Model(BaseModel):
    amount: int


def refuse_by_pydantic() -> None:
    Model.model_validate({"amount": CANARY})


def refuse_by_key() -> None:
    _ = {}[CANARY]  # type: ignore[var-annotated]


def refuse_by_number() -> None:
    int(CANARY)


def refuse_by_postgresql() -> None:
    error = asyncpg.NotNullViolationError(f"null value in row {CANARY}")
    error.detail = f"Failing row contains ({CANARY})."
    raise error


def refuse_in_a_chain() -> None:
    try:
        refuse_by_number()
    except ValueError as error:
        raise RuntimeError(f"not {CANARY}") from error


def refuse_in_a_group() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY), KeyError(CANARY)])


@pytest.mark.parametrize(
    ("refuse", "kinds"),
    [
        (refuse_by_pydantic, ["ValidationError"]),
        (refuse_by_key, ["KeyError"]),
        (refuse_by_number, ["ValueError"]),
        (refuse_by_postgresql, ["NotNullViolationError (23502)"]),
        (refuse_in_a_chain, ["ValueError", "which led to", "RuntimeError"]),
        (refuse_in_a_group, ["ExceptionGroup", "ValueError", "KeyError"]),
    ],
)
def test_an_exception_is_told_by_where_and_what_and_never_by_a_value(
    logged: Callable[[], str], refuse: Callable[[], None], kinds: list[str]
) -> None:
    try:
        refuse()
    except Exception as error:
        structlog.get_logger("test").exception("failed")
        logging.getLogger("a.library").exception("failed")
        logs.get_logger("test").error("failed", exc_info=error)
        sys.excepthook(type(error), error, error.__traceback__)
    text = logged()
    assert CANARY not in text
    assert text.count(f"in {refuse.__name__}") >= 4
    places = [text.index(kind) for kind in kinds]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokerUnavailable("not connected to the broker"), "not connected to the broker"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (NoServersError(), "no servers available"),
    ],
)
def test_words_of_ours_of_the_system_and_of_the_broker_are_said(
    logged: Callable[[], str], error: Exception, words: str
) -> None:
    structlog.get_logger("test").error("failed", exc_info=error)
    assert words in logged()


async def test_what_a_task_raises_that_nobody_waits_for_is_told_without_its_words(
    logged: Callable[[], str],
) -> None:
    asyncio.get_running_loop().set_exception_handler(logs.tell_of_tasks)
    asyncio.get_running_loop().call_soon(refuse_by_number)
    await asyncio.sleep(0)
    warnings.warn("of a library", stacklevel=1)
    text = logged()
    assert "ValueError" in text
    assert CANARY not in text
    assert text.count("api") >= 2, "a library's warning is a record, too"


class Spoilt:
    """Its destructor raises."""

    def __del__(self) -> None:
        int(CANARY)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_nobody_can_be_told_of_is_a_record_without_its_words(
    logged: Callable[[], str],
) -> None:
    thread = threading.Thread(target=refuse_by_number)
    thread.start()
    thread.join()
    spoilt = Spoilt()
    del spoilt
    text = logged()
    assert "a thread ended by an error" in text
    assert "an error was ignored" in text
    assert text.count("ValueError") >= 2
    assert CANARY not in text


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("logged", ["json"], indirect=True)
async def test_a_record_tells_what_the_request_is_about_until_that_ends(
    logged: Callable[[], str],
) -> None:
    asked: list[None] = []

    def told() -> dict[str, str | None]:
        asked.append(None)
        return {"request_id": "r1", "key_id": "k1", "trigger_id": None, "event_id": EVENT_ID}

    log = logs.get_logger("test")
    go_on = asyncio.Event()

    async def left_behind() -> None:
        await go_on.wait()
        log.info("later")

    async def request() -> "asyncio.Task[None]":
        context = LogContext(told)
        assert asked == [], "nothing is asked for where nothing is said"
        log.info("now", key_id="given")
        background = asyncio.create_task(left_behind())
        context.end()
        return background

    background = await asyncio.create_task(request())
    go_on.set()
    await background
    now, later = records(logged())
    assert now["service"] == "api"
    assert (now["request_id"], now["key_id"]) == ("r1", "given")
    assert (now["event_id"], now["trace_id"]) == (EVENT_ID, TRACE_ID)
    assert "trigger_id" not in now
    assert "request_id" not in later


class Message:
    """As far as a record needs it."""

    def __init__(self, subject: str, **headers: str) -> None:
        self.subject = subject
        self.stream_seq = 7
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize("logged", ["json"], indirect=True)
@pytest.mark.parametrize(
    ("message", "known"),
    [
        (
            Message("trigger.fired.t1", Nats_Msg_Id=EVENT_ID),
            {"trigger_id": "t1", "event_id": EVENT_ID, "trace_id": TRACE_ID},
        ),
        (Message("trigger.fired.t1", Nats_Msg_Id="no id"), {"trigger_id": "t1"}),
        (Message("trigger.due.t1", Nats_Msg_Id=EVENT_ID), {"trigger_id": "t1"}),
        (Message("trigger.delivery.t1", Nats_Msg_Id=EVENT_ID), {"trigger_id": "t1"}),
        (Message("trigger.command.fire", Nats_Msg_Id=EVENT_ID), {}),
        (Message("trigger.due.no trigger's"), {}),
    ],
)
def test_a_record_of_a_message_has_the_ids_that_it_is_found_by(
    logged: Callable[[], str], message: Message, known: dict[str, str]
) -> None:
    logs.get_logger("test").warning("dead letter", **of_message(message))
    (record,) = records(logged())
    assert (record["subject"], record["stream_seq"]) == (message.subject, 7)
    names = ("trigger_id", "event_id", "trace_id")
    assert {name: record[name] for name in names if name in record} == known
