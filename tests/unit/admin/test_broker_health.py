"""What an answer of nats-server's ``/healthz`` says of a broker."""

import json

import pytest

from trigger_admin import broker_health
from trigger_admin.errors import AdminError

STREAM = "JetStream stream 'ETP > TRIGGER_DUE'"


def answer(*errors: str) -> bytes:
    if not errors:
        return b'{"status":"ok"}'
    return json.dumps({"status": "error", "errors": [{"error": one} for one in errors]}).encode()


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        ([f"{STREAM} write error: no space left on device"], "cannot store"),
        ([f"{STREAM} is not current: lag", f"{STREAM} write error: i/o error"], "cannot store"),
        (["JetStream consumer 'A > B > c' write error: i/o error"], "cannot store"),
        ([f"{STREAM} could not be recovered"], "a stream that it cannot read"),
        (["JetStream not enabled"], "is not well: JetStream not enabled"),
        (["what no version has said yet"], "is not well: what no version has said yet"),
    ],
)
def test_what_is_wrong_is_said_the_worst_first(errors: list[str], says: str) -> None:
    trouble, passing = broker_health.judge(answer(*errors))
    assert trouble is not None
    assert says in trouble
    assert passing is None


@pytest.mark.parametrize(
    "error",
    [
        "JetStream is not current with the meta leader",
        "JetStream has not established contact with a meta leader",
        f"{STREAM} is not current: group node unhealthy",
        f"{STREAM} has high message lag",
    ],
)
def test_a_node_that_catches_up_is_not_started_anew(error: str) -> None:
    assert broker_health.judge(answer(error)) == (None, error)


def test_a_broker_that_is_well_is_well() -> None:
    assert broker_health.judge(answer()) == (None, None)


def test_an_answer_without_details_is_understood() -> None:
    body = json.dumps({"status": "unavailable", "error": f"{STREAM} write error: x"}).encode()
    assert "cannot store" in str(broker_health.judge(body)[0])
    assert "is unavailable" in str(broker_health.judge(b'{"status": "unavailable"}')[0])
    assert "is error" in str(broker_health.judge(b'{"status": "error", "errors": 7}')[0])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b"\xff", b'{"errors": 7}'])
def test_what_is_no_broker_is_not_well(body: bytes) -> None:
    assert "none of nats-server's" in str(broker_health.judge(body)[0])


@pytest.mark.parametrize("url", ["ftp://broker:8222", "http://", "http://:8222", "http://broker:x"])
async def test_an_address_that_is_none_gets_a_sentence(url: str) -> None:
    with pytest.raises(AdminError, match="is no address of a monitoring endpoint"):
        await broker_health.check(url)
