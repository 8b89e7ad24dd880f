"""Whose certificates are believed, and that nothing is said to anybody else."""

import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Authority, Pair
from trigger_contracts.deliveries.outcomes import FailureCode, Outcome
from trigger_contracts.targets.certificates import check_authorities
from trigger_executor.adapters.delivery.trust import Trust

from .receivers import OK, FakeLookup, Receiver, answering, receiving, sending


@asynccontextmanager
async def presenting(pair: Pair) -> AsyncIterator[Receiver]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    async with receiving(answering(OK), context=context) as receiver:
        yield receiver


async def test_a_target_may_name_whom_it_trusts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with presenting(authority.sign("receiver")) as receiver, sending() as send:
        told = await send(receiver.url(), ca=authority.file.read_text())
        again = await send(receiver.url(), ca=authority.file.read_text())
    assert (told.outcome, again.outcome) == (Outcome.DELIVERED, Outcome.DELIVERED)
    assert (told.connect_ms is None, again.connect_ms) == (False, None)
    assert told.origin.startswith("https://127.0.0.1:")


@pytest.mark.parametrize(
    "written",
    ["# Müller\n{pem}", "\ufeff{pem}", "{indented}"],
    ids=["after-a-comment", "after-a-mark", "indented"],
)
async def test_certificates_are_trusted_however_they_are_written(
    written: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pem = authority.file.read_text()
    ca = written.format(pem=pem, indented=pem.replace("\n", "\n "))
    assert check_authorities(ca) == []
    async with presenting(authority.sign("receiver")) as receiver, sending() as send:
        assert (await send(receiver.url(), ca=ca)).outcome is Outcome.DELIVERED


async def test_the_name_of_a_url_is_the_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    lookup = FakeLookup(localhost=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    ca = authority.file.read_text()
    async with (
        presenting(authority.sign("receiver")) as receiver,
        sending("127.0.0.1", "localhost", lookup=lookup) as send,
    ):
        assert (await send(receiver.url(host="localhost"), ca=ca)).outcome is Outcome.DELIVERED
        wrong = await send(receiver.url(host="other.example"), ca=ca)
        assert wrong.code is FailureCode.TLS
        assert len(receiver.requests) == 1


@pytest.mark.parametrize("case", ["another-authority", "the-systems", "expired"])
async def test_a_bad_certificate_is_a_failure_and_nothing_is_sent(
    case: str, tmp_path: Path
) -> None:
    life = dt.timedelta(hours=-1 if case == "expired" else 1)
    pair = Authority(tmp_path).sign("receiver", life=life)
    (tmp_path / "other").mkdir()
    ca = {
        "another-authority": Authority(tmp_path / "other").file.read_text(),
        "the-systems": None,
        "expired": (tmp_path / "authority.pem").read_text(),
    }[case]
    async with presenting(pair) as receiver, sending() as send:
        told, took = await send.timed(receiver.url(), ca=ca)
        assert receiver.requests == []
    assert (told.outcome, told.code, told.final) == (Outcome.FAILED, FailureCode.TLS, None)
    assert took < 1.5


async def test_a_receiver_without_tls_is_told_nothing() -> None:
    async with receiving(answering(OK)) as receiver, sending() as send:
        told = await send(receiver.url().replace("http:", "https:"))
        assert receiver.requests == []
    assert told.code is FailureCode.TIMEOUT


def test_contexts_are_kept_for_their_text_and_bounded(tmp_path: Path) -> None:
    texts = [Authority(tmp_path, name).file.read_text() for name in ("a", "b", "c")]
    trust = Trust(max_contexts=2)
    first = trust.context(texts[0])
    assert trust.context(texts[0]) is first
    assert trust.context(None) is trust.context(None) is not first
    for text in texts[1:]:
        trust.context(text)
    assert trust.context(texts[0]) is not first
    assert len(trust._own) == 2
    for context in (first, trust.context(None)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


async def test_a_self_signed_certificate_is_trusted_only_where_it_is_named(tmp_path: Path) -> None:
    pair = Authority(tmp_path).self_signed("receiver")
    async with presenting(pair) as receiver, sending() as send:
        assert (await send(receiver.url())).code is FailureCode.TLS
        assert receiver.requests == []
        told = await send(receiver.url(), ca=pair.certificate.read_text())
    assert told.outcome is Outcome.DELIVERED
