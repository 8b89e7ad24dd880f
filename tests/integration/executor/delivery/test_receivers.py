"""One attempt at each kind of receiver: its code, within its timeout, and nothing read for ever."""

import asyncio
import base64
import contextlib
import json
import socket
import struct

import pytest
from standardwebhooks import Webhook

from tests.support.eventually import eventually
from tests.unit.executor.delivery.attempts import EVENT, EVENT_ID
from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.targets.secrets import new_secret
from trigger_executor.domain.delivery.attempt import Attempted, Cause, NotAttempted

from .receivers import OK, SECRET, Request, answering, receiving, sending

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
MIB = 1024 * 1024


async def hanging(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def resetting(_: Request, writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def closing(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.close()


def dripping(data: bytes):
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)

    return answer


async def test_a_delivery_is_a_signed_post_of_the_event() -> None:
    async with receiving(answering(OK)) as receiver, sending() as send:
        told = await send(receiver.url("/a%2Fb?x=1"))
        (request,) = receiver.requests
    assert request.line == "POST /a%2Fb?x=1 HTTP/1.1"
    assert request.body == EVENT
    assert Webhook(SECRET).verify(request.body, request.headers) == json.loads(EVENT)
    assert request.headers.keys() == {
        "host",
        "content-length",
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "etp-attempt",
        "etp-test",
        "traceparent",
        "user-agent",
        "accept",
        "accept-encoding",
    }
    assert request.headers["webhook-id"] == EVENT_ID
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (told.outcome, told.final, told.code) == (Outcome.DELIVERED, Final.DELIVERED, None)
    assert (told.status, told.excerpt, told.address) == (200, "ok", "127.0.0.1")
    assert told.origin == f"http://127.0.0.1:{receiver.port}"
    assert told.connect_ms is not None
    assert told.first_byte_ms is not None
    assert told.connect_ms <= told.first_byte_ms <= told.duration_ms


@pytest.mark.parametrize("known", [0, 1])
async def test_during_a_rotation_a_receiver_verifies_by_either_secret(known: int) -> None:
    both = (new_secret(), new_secret())
    async with receiving(answering(OK)) as receiver, sending() as send:
        await send(receiver.url(), opened=both, body="payload")
        (request,) = receiver.requests
    assert Webhook(both[known]).verify(request.body, request.headers) == json.loads(request.body)


async def test_a_connection_is_used_again_and_an_edit_counts_from_the_next_attempt() -> None:
    newer = new_secret()
    async with receiving(answering(OK)) as receiver, sending() as send:
        first = await send(receiver.url())
        again = await send(
            receiver.url("/moved"), opened=(newer,), secret_headers={"Authorization": "Bearer xyz"}
        )
        before, after = receiver.requests
    assert (first.connect_ms is None, again.connect_ms) == (False, None)
    assert before.connection == after.connection == 1
    assert after.line.startswith("POST /moved ")
    assert after.headers["authorization"] == "Bearer xyz"
    assert Webhook(newer).verify(after.body, after.headers)
    assert again.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (204, None, Final.DELIVERED),
        (500, FailureCode.STATUS, None),
        (410, FailureCode.STATUS, Final.DEAD),
    ],
)
async def test_a_status_is_judged(
    status: int, code: FailureCode | None, final: Final | None
) -> None:
    answer = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status
    async with receiving(answering(answer)) as receiver, sending() as send:
        told = await send(receiver.url())
    assert (told.status, told.code, told.final) == (status, code, final)
    assert told.is_gone == (status == 410)


async def test_retry_after_and_webhook_delivery_are_heard() -> None:
    busy = b"HTTP/1.1 429 X\r\nRetry-After: 99999\r\nContent-Length: 0\r\n\r\n"
    async with receiving(answering(busy)) as receiver, sending() as send:
        assert (await send(receiver.url())).retry_after_s == 3600
    abort = (
        b"HTTP/1.1 400 X\r\nwebhook-delivery: abort-message\r\nWebhook-Delivery: disable\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    async with receiving(answering(abort)) as receiver, sending() as send:
        told = await send(receiver.url())
    assert (told.final, told.reason, told.is_gone) == (
        Final.DEAD,
        Reason.REFUSED_BY_RECEIVER,
        True,
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with receiving(answering(OK)) as inner, sending() as send:
        place = inner.url("/latest/meta-data").encode()
        moved = b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, place)
        async with receiving(answering(moved)) as receiver:
            told = await send(receiver.url())
        assert inner.connections == 0
    assert (told.outcome, told.code, told.status) == (Outcome.FAILED, FailureCode.REDIRECT, status)


async def test_cookies_are_not_kept() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
    async with receiving(answering(answer)) as receiver, sending() as send:
        await send(receiver.url())
        await send(receiver.url())
        assert len(receiver.requests) == 2
        assert "cookie" not in receiver.requests[1].headers


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: can,canary=2\r\n\r\n"),
        b"HTTP/1.1 canary\r\n\r\n",
        b"canary canary canary\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncanary\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",
        OK + b"canary",
    ],
    ids=["cookie", "status", "line", "header", "chunk", "more"],
)
async def test_nothing_of_an_answer_is_logged(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with receiving(answering(answer)) as receiver, sending(body_timeout_s=0.1) as send:
        await send(receiver.url("/canary"), opened=(SECRET,), secret_headers={"X": "canary"})
        await send(receiver.url("/canary"))
    assert "canary" not in caplog.text
    assert SECRET not in caplog.text


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(answering(OK)) as proxy, receiving(answering(OK)) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        async with sending() as send:
            await send(receiver.url())
        assert (proxy.connections, receiver.connections) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (hanging, FailureCode.TIMEOUT),
        (dripping(HEAD * 5), FailureCode.TIMEOUT),
        (resetting, FailureCode.RESET),
        (closing, FailureCode.RESET),
        (answering(b"SSH-2.0-OpenSSH_9.7\r\n\r\n"), FailureCode.PROTOCOL),
        (answering(b"\x00\xff" * 50 + b"\r\n\r\n"), FailureCode.PROTOCOL),
        (answering(b"HTTP/1.1 abc X\r\n\r\n"), FailureCode.PROTOCOL),
        (answering(b"HTTP/1.1 42 X\r\nContent-Length: 0\r\n\r\n"), FailureCode.PROTOCOL),
        (answering(b"HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n"), FailureCode.PROTOCOL),
        (answering(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 20_000 + b"\r\n\r\n"), FailureCode.PROTOCOL),
    ],
    ids=[
        "hangs",
        "drips",
        "resets",
        "closes",
        "another-protocol",
        "garbage",
        "number",
        "small",
        "large",
        "line",
    ],
)
async def test_a_bad_receiver_costs_one_attempt_with_its_code(answer, code: FailureCode) -> None:
    async with receiving(answer) as receiver, sending() as send:
        told, took = await send.timed(receiver.url())
        assert len(receiver.requests) == 1
    assert (told.outcome, told.code, told.final) == (Outcome.FAILED, code, None)
    assert took < 1.5
    assert told.duration_ms <= took * 1000 + 1


async def test_nobody_listens() -> None:
    async with receiving(answering(OK)) as receiver, sending() as send:
        url = receiver.url()
    async with sending() as send:
        told = await send(url)
    assert (told.code, told.address, told.status) == (FailureCode.REFUSED, None, None)


async def test_a_connection_that_nobody_accepts_times_out_by_its_phase() -> None:
    """A full backlog, which drops what comes: as a host that is not there."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", port))
        async with sending(connect_timeout_s=0.2) as send:
            told, took = await send.timed(f"http://127.0.0.1:{port}/", timeout=5)
        for filler in fillers:
            filler.close()
    assert told.code is FailureCode.TIMEOUT
    assert took < 1


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 200 + b"\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 4000 + b"\r\na\r\n"),
        (HEAD + b"Content-Length: 1000000000\r\n\r\n", b"z" * 65536),
        (HEAD + b"Connection: close\r\n\r\n", b"z" * 65536),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\n", b"\x1f" * 65536),
    ],
    ids=["head", "hints", "continue", "extensions", "gigabyte", "endless", "compressed"],
)
async def test_of_an_answer_without_end_little_is_read(head: bytes, chunk: bytes) -> None:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        writer.write(head)
        await receiver.flood(writer, chunk)

    async with receiving(answer) as receiver, sending() as send:
        told, took = await send.timed(receiver.url())
        await asyncio.sleep(0)
    has_head = head.endswith(b"\r\n\r\n")
    assert told.outcome is (Outcome.DELIVERED if has_head else Outcome.FAILED)
    assert told.code is (None if has_head else FailureCode.PROTOCOL)
    assert took < 1.5
    # At most 1 MiB is read; the rest is what both ends' kernels hold.
    assert receiver.sent < 2 * MIB
    assert told.excerpt is None or len(told.excerpt) <= 2048


async def test_compressed_answers_are_told_by_their_type() -> None:
    answer = (
        HEAD + b"Content-Encoding: br\r\nContent-Length: 4\r\n\r\n\x0b\x01\x80\x03"  # "abcd"
    )
    async with receiving(answering(answer)) as receiver, sending() as send:
        assert (await send(receiver.url())).excerpt == "(text/plain, 4 bytes)"


async def test_a_2xx_whose_body_never_ends_or_breaks_off_has_taken_the_event() -> None:
    async def slow(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 100\r\n\r\npart")
        await asyncio.Event().wait()

    async def cut(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 100\r\n\r\npart")
        writer.close()

    async with receiving(slow) as receiver, sending(body_timeout_s=0.1) as send:
        told, took = await send.timed(receiver.url())
    assert (told.outcome, told.excerpt) == (Outcome.DELIVERED, "part")
    assert took < 0.6
    async with receiving(cut) as receiver, sending() as send:
        told = await send(receiver.url())
    assert (told.outcome, told.excerpt) == (Outcome.DELIVERED, "part")


async def test_an_echo_of_the_request_keeps_no_secret() -> None:
    async def echoing(request: Request, writer: asyncio.StreamWriter) -> None:
        body = json.dumps({"url": request.line, **request.headers, "signing": SECRET}).encode()
        writer.write(
            b"HTTP/1.1 400 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )

    async with receiving(echoing) as receiver, sending() as send:
        told = await send(
            receiver.url("/services/T0/B0/abcdefghijklmnopqrstuvwx"),
            secret_headers={"Authorization": "Bearer s3cr3t", "X-Key": "hush/hush"},
        )
    assert told.excerpt is not None
    for secret in ("s3cr3t", "hush", "abcdefghijk", SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in told.excerpt
        assert secret not in repr(told)
    assert EVENT_ID in told.excerpt


async def test_as_much_is_kept_as_the_setting_says() -> None:
    answer = HEAD + b"Content-Length: 5000\r\n\r\n" + b"a" * 5000
    async with receiving(answering(answer)) as receiver:
        async with sending(excerpt_bytes=100) as send:
            assert (await send(receiver.url())).excerpt == "a" * 100
        async with sending(excerpt_bytes=0) as send:
            assert (await send(receiver.url())).excerpt is None


class Closing:
    """Answers once a connection, then closes it as soon as it is used again."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.connection in self.seen:
            writer.transport.abort()
            return
        self.seen.add(request.connection)
        writer.write(OK)


async def test_a_stale_connection_is_tried_once_more_on_a_fresh_one() -> None:
    async with receiving(Closing()) as receiver, sending() as send:
        for _ in range(4):
            told = await send(receiver.url())
            assert told.outcome is Outcome.DELIVERED
        assert receiver.connections == 4


async def test_a_fresh_connection_is_tried_once_alone() -> None:
    async with receiving(closing) as receiver, sending() as send:
        assert (await send(receiver.url())).code is FailureCode.RESET
        assert (receiver.connections, len(receiver.requests)) == (1, 1)


async def test_a_reused_connection_that_began_to_answer_is_not_tried_again() -> None:
    seen: set[int] = set()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.connection in seen:
            writer.write(b"HTTP/1.1 20")
            await writer.drain()
            writer.close()
            return
        seen.add(request.connection)
        writer.write(OK)

    async with receiving(answer) as receiver, sending() as send:
        assert (await send(receiver.url())).outcome is Outcome.DELIVERED
        assert (await send(receiver.url())).outcome is Outcome.FAILED
        assert receiver.connections == 1


async def test_a_reused_connection_that_has_become_half_open_times_out_and_is_not_tried_again() -> (
    None
):
    seen: set[int] = set()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.connection in seen:
            await asyncio.Event().wait()
        seen.add(request.connection)
        writer.write(OK)

    async with receiving(answer) as receiver, sending() as send:
        assert (await send(receiver.url())).outcome is Outcome.DELIVERED
        told = await send(receiver.url(), timeout=1)
        # Whoever has the request may have done what it asks for.
        assert (told.outcome, told.code) == (Outcome.FAILED, FailureCode.TIMEOUT)
        assert (receiver.connections, len(receiver.requests)) == (1, 2)


async def test_an_answer_that_nobody_asked_for_is_nobodys() -> None:
    async def twice(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")

    async with receiving(twice) as receiver, sending() as send:
        for _ in range(3):
            assert (await send(receiver.url())).status == 200
        assert receiver.connections == 3


async def test_a_receiver_that_hangs_does_not_hinder_others() -> None:
    async with receiving(hanging) as hung, receiving(answering(OK)) as well, sending() as send:
        crowd = [asyncio.create_task(send.result(hung.url())) for _ in range(50)]
        await asyncio.sleep(0)
        _, took = await send.timed(well.url())
        ended = await asyncio.gather(*crowd)
    assert took < 0.5
    assert {one.code for one in ended if isinstance(one, Attempted)} == {FailureCode.TIMEOUT}


async def test_no_more_than_a_hundred_connections_lead_to_one_origin() -> None:
    async with receiving(hanging) as hung, sending() as send:
        crowd = [asyncio.create_task(send.result(hung.url(), timeout=2)) for _ in range(101)]
        (first,), _ = await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        assert first.result() == NotAttempted(Cause.ORIGIN_BUSY)
        assert hung.connections == 100
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


async def test_a_cancelled_attempt_leaves_no_connection_behind() -> None:
    async with receiving(hanging) as hung, sending() as send:
        task = asyncio.create_task(send.result(hung.url()))
        await eventually(lambda: hung.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        connector = send.sender._session.connector
        await eventually(lambda: connector._open == 0)
        assert not connector._acquired


async def test_a_secret_that_does_not_open_is_ours_and_nothing_is_sent() -> None:
    async with receiving(answering(OK)) as receiver:
        async with sending(keys=None) as send:
            assert await send.result(receiver.url()) == NotAttempted(Cause.SEALED)
        async with sending() as send:
            moved = await send.result(receiver.url(), target_id="another")
            assert moved == NotAttempted(Cause.SEALED)
            spoilt = [
                {"opened": ("whsec_" + base64.b64encode(b"short").decode(),)},
                {"secret_headers": {"X": "a\r\nHost: b"}},
            ]
            for fields in spoilt:
                assert await send.result(receiver.url(), **fields) == NotAttempted(Cause.SEALED)
        assert receiver.connections == 0


@pytest.mark.parametrize(
    "path", ["/a|b^c`{d}[e]?x={y}&z=%41", "//a/./b/../c;p", "/?", "/%E2%82%AC", "/" + "x" * 1900]
)
async def test_a_path_is_sent_as_its_owner_wrote_it(path: str) -> None:
    async with receiving(answering(OK)) as receiver, sending() as send:
        await send(receiver.url(path))
        (request,) = receiver.requests
    assert request.line == f"POST {path} HTTP/1.1".replace("/? ", "/ ")


async def test_an_ipv6_address_is_sent_to() -> None:
    async with receiving(answering(OK), host="::1") as receiver, sending("::1") as send:
        told = await send(receiver.url(host="[::1]"))
        (request,) = receiver.requests
    assert (told.outcome, told.address) == (Outcome.DELIVERED, "::1")
    assert request.headers["host"] == f"[::1]:{receiver.port}"
    assert told.origin == f"http://[::1]:{receiver.port}"


@pytest.mark.parametrize(
    ("answer", "status", "excerpt"),
    [
        (b"HTTP/1.0 500 X\r\nContent-Type: text/plain\r\n\r\nold", 500, "old"),
        (b"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI", 101, None),
        (b"HTTP/1.1 103 X\r\nLink: a\r\n\r\n" + OK, 200, "ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"),
        (b"HTTP/1.1 999 \xff\r\nX: \xfe\r\nContent-Length: 0\r\n\r\n", 999, None),
    ],
    ids=["http-1.0", "upgrade", "hint", "chunked", "unusual"],
)
async def test_unusual_answers_are_read(answer: bytes, status: int, excerpt: str | None) -> None:
    async def once(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with receiving(once) as receiver, sending(body_timeout_s=0.3) as send:
        told = await send(receiver.url())
    assert (told.status, told.excerpt) == (status, excerpt)
    assert told.outcome is (Outcome.DELIVERED if status == 200 else Outcome.FAILED)


async def test_a_receiver_that_does_not_read_costs_its_timeout() -> None:
    over = asyncio.Event()

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    event = b'{"data":{"payload":"%s"}}' % (b"x" * 8_000_000)
    async with sending() as send:
        told, took = await send.timed(f"http://127.0.0.1:{port}/", event=event)
    over.set()
    server.close()
    assert told.code is FailureCode.TIMEOUT
    assert took < 1.5
