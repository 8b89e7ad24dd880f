"""One attempt to deliver an event to a webhook, by HTTP.

aiohttp is the client (decision 0055), held to what a delivery is: one request, HTTP/1.1, no
redirect, cookie, proxy of the environment or decompression; each phase, and what is read of an
answer, bounded. Addresses are judged when a name is resolved and again when a socket is made for
one. An attempt ends within its target's timeout, whatever the receiver does.
"""

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

import aiohttp
from yarl import URL

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome
from trigger_contracts.errors import Refused
from trigger_contracts.targets.addresses import Address, Allowance
from trigger_contracts.targets.sealing import SealError
from trigger_contracts.targets.url import WebhookUrl, check_url, parse_url
from trigger_executor.domain.delivery.answer import AnswerHead, judged
from trigger_executor.domain.delivery.attempt import (
    Attempt,
    Attempted,
    Cause,
    NotAttempted,
    SendResult,
)
from trigger_executor.domain.delivery.excerpt import (
    DEFAULT_KEPT,
    MAX_READ,
    ResponseBody,
    excerpt_of,
)
from trigger_executor.domain.delivery.own_secrets import OwnSecrets
from trigger_executor.domain.delivery.request import WebhookRequest, webhook_request
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.logging_setup import get_logger

from .connections import MAX_OF_ORIGIN, Exchange, GuardedConnector, exchanging
from .failures import failure_of
from .name_resolver import NameResolver, NameServersAway, UnknownName
from .opened_secrets import SecretOpener
from .origin_places import OriginPlaces
from .own_address import is_own
from .trust import Trust

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
"""TCP and TLS together, over all addresses of a name."""
BODY_TIMEOUT_S = 2.0
"""What an answer means stands in its head: for the rest of it, which people may read, no attempt
holds its place longer."""
PLACE_TIMEOUT_S = 1.0
MAX_OPEN = 1_500
"""Connections from which on one is closed after its request, and not kept for the next."""
_URLS_KEPT = 10_000
_STATUSES = range(100, 1000)
"""Of three digits; parsers let others through."""

_parsed = lru_cache(_URLS_KEPT)(parse_url)


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What an operator allows, and how much is kept.

    ``user_agent`` is what requests say they come from; ``excerpt_bytes`` at most is kept of an
    answer; ``is_own`` says of an address that it is this machine's.
    """

    allowance: Allowance
    is_http_allowed: bool
    user_agent: str
    excerpt_bytes: int = DEFAULT_KEPT
    is_own: Callable[[Address], bool] = is_own
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    body_timeout_s: float = BODY_TIMEOUT_S

    def refusal(self, address: Address, url: WebhookUrl) -> str | None:
        """Why nothing may be sent to ``address`` for this URL; None where it may."""
        own = (address,) if self.is_own(address) else ()
        return self.allowance.refusal(address, url.port, url.name, own)


@dataclass(slots=True)
class _Course:
    """How far an attempt has come, by the monotonic clock of the event loop."""

    url: WebhookUrl
    started_at: datetime
    started: float
    deadline: float
    dns_s: float | None = None
    exchange: Exchange | None = None

    def told(self, outcome: Outcome, ended: float, **verdict: object) -> Attempted:
        exchange = self.exchange
        first = None if exchange is None else exchange.first_byte_at
        return Attempted(
            started_at=self.started_at,
            duration_ms=_ms(ended - self.started),
            outcome=outcome,
            origin=self.url.origin,
            address=None if exchange is None else exchange.address,
            dns_ms=None if self.dns_s is None else _ms(self.dns_s),
            connect_ms=None
            if exchange is None or exchange.connect_s is None
            else _ms(exchange.connect_s),
            first_byte_ms=None if first is None else _ms(first - self.started),
            **verdict,  # type: ignore[arg-type]
        )


class WebhookSender:
    """Implements ``Sender`` for webhooks. Any number of attempts at once, in one event loop."""

    def __init__(
        self,
        rules: SendingRules,
        resolver: NameResolver,
        secrets: SecretOpener,
        trust: Trust,
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._resolver = resolver
        self._secrets = secrets
        self._trust = trust
        self._clock = clock
        self._places = OriginPlaces(MAX_OF_ORIGIN)
        self._judged: dict[tuple[str, int], tuple[tuple[Address, ...], tuple[Address, ...]]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def send(self, attempt: Attempt) -> SendResult:
        url = _parsed(attempt.definition.url or "")
        try:
            async with self._places.taken(url.origin, PLACE_TIMEOUT_S):
                return await self._attempt(attempt, url)
        except TimeoutError:
            return NotAttempted(Cause.ORIGIN_BUSY)

    async def close(self) -> None:
        """Close what is open. Nothing may be sent after that."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def _attempt(self, attempt: Attempt, url: WebhookUrl) -> SendResult:
        loop = asyncio.get_running_loop()
        started = loop.time()
        now = self._clock.now()
        course = _Course(url, now, started, started + attempt.definition.timeout_s)
        try:
            own = self._secrets.open(attempt, url.target, now)
            request = webhook_request(attempt, own, now, user_agent=self._rules.user_agent)
        except SealError as error:
            log.warning("a target's secret does not open", target=attempt.target_id, why=str(error))
            return NotAttempted(Cause.SEALED)
        except ValueError:
            return _failed(course, FailureCode.PROTOCOL, loop.time())
        allowed = await self._allowed(course)
        if not isinstance(allowed, tuple):
            return allowed
        course.exchange = Exchange(
            allowed, url.port, lambda address: self._rules.refusal(address, url) is None
        )
        return await self._exchange(attempt, course, course.exchange, request, own)

    async def _allowed(self, course: _Course) -> tuple[Address, ...] | SendResult:
        """The addresses that may be connected to, at least one; else what it comes to."""
        loop = asyncio.get_running_loop()
        url = course.url
        try:
            check_url(url, self._rules.allowance, is_http_allowed=self._rules.is_http_allowed)
            addresses = await self._addresses(course)
        except Refused:
            return _blocked(course, loop.time())
        except UnknownName:
            return _failed(course, FailureCode.DNS, loop.time())
        except NameServersAway:
            return NotAttempted(Cause.NAME_SERVERS)
        return self._allowed_of(url, addresses) or _blocked(course, loop.time())

    def _allowed_of(self, url: WebhookUrl, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        """Judged once while they stay the same; a connection to one is judged for itself."""
        place = (url.host, url.port)
        known = self._judged.get(place)
        if known is None or known[0] != addresses:
            if len(self._judged) >= _URLS_KEPT:
                self._judged.clear()
            allowed = tuple(one for one in addresses if self._rules.refusal(one, url) is None)
            known = self._judged[place] = (addresses, allowed)
        return known[1]

    async def _addresses(self, course: _Course) -> tuple[Address, ...]:
        if course.url.address is not None:
            return (course.url.address,)
        loop = asyncio.get_running_loop()
        asked = loop.time()
        try:
            return await self._resolver.resolve(course.url.host, course.deadline - asked)
        finally:
            course.dns_s = loop.time() - asked

    async def _exchange(
        self,
        attempt: Attempt,
        course: _Course,
        exchange: Exchange,
        request: WebhookRequest,
        own: OwnSecrets,
    ) -> SendResult:
        loop = asyncio.get_running_loop()
        try:
            with exchanging(exchange):
                async with asyncio.timeout_at(course.deadline):
                    response = await self._answer(attempt, course.url, exchange, request)
        except Exception as error:
            # Whatever it is, it is this attempt's alone.
            if exchange.is_refused:
                return _blocked(course, loop.time())
            if not isinstance(error, aiohttp.ClientError | OSError | ValueError):
                log.exception("an attempt failed unexpectedly", target=attempt.target_id)
            failure = failure_of(error)
            if isinstance(failure, Cause):
                return NotAttempted(failure)
            return _failed(course, failure, loop.time())
        head, body = await self._read(response, course.deadline)
        if head.status not in _STATUSES:
            return _failed(course, FailureCode.PROTOCOL, loop.time())
        verdict = judged(head, attempt.definition.final_statuses, self._clock.now())
        return course.told(
            verdict.outcome,
            loop.time(),
            code=verdict.code,
            status=head.status,
            excerpt=excerpt_of(body, own, self._rules.excerpt_bytes),
            retry_after_s=verdict.retry_after_s,
            final=verdict.final,
            reason=verdict.reason,
            is_gone=verdict.is_gone,
        )

    async def _answer(
        self, attempt: Attempt, url: WebhookUrl, exchange: Exchange, request: WebhookRequest
    ) -> aiohttp.ClientResponse:
        post = partial(
            self._open_session().post,
            URL(f"{url.origin}{url.target}", encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            ssl=self._trust.context(attempt.definition.ca) if url.scheme == "https" else True,
        )
        try:
            return await post()
        except aiohttp.ClientConnectionError:
            if not exchange.is_reused or exchange.first_byte_at is not None:
                raise
        # Many servers close what is idle, just when it is used again: no failure of theirs.
        exchange.is_fresh = True
        return await post()

    async def _read(
        self, response: aiohttp.ClientResponse, deadline: float
    ) -> tuple[AnswerHead, ResponseBody]:
        """What counts of the answer; its connection is kept if all of it was read."""
        if response.content.is_eof() and response.content.exception() is None:
            # Most are short, and came with their heads.
            read = response.content.read_nowait(-1)[:MAX_READ]
        else:
            read = await self._read_on(response, deadline)
        headers = response.headers
        head = AnswerHead(
            response.status,
            retry_after=headers.get("Retry-After"),
            date=headers.get("Date"),
            webhook_delivery=",".join(headers.getall("webhook-delivery", ())),
        )
        body = ResponseBody(
            read,
            content_type=headers.get("Content-Type", ""),
            encoding=headers.get("Content-Encoding", ""),
            length=response.content_length,
        )
        return head, body

    async def _read_on(self, response: aiohttp.ClientResponse, deadline: float) -> bytes:
        loop = asyncio.get_running_loop()
        chunks: list[bytes] = []
        left = MAX_READ
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + self._rules.body_timeout_s)):
                while left > 0 and (chunk := await response.content.readany()):
                    chunks.append(chunk[:left])
                    left -= len(chunk)
        except (TimeoutError, aiohttp.ClientError, OSError):
            # What it means stands in the head.
            pass
        finally:
            if not response.content.at_eof():
                _abort(response)
        return b"".join(chunks)

    def _open_session(self) -> aiohttp.ClientSession:
        # aiohttp wants to be made within its event loop.
        if self._session is None:
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            self._session = aiohttp.ClientSession(
                connector=GuardedConnector(
                    connect_timeout_s=self._rules.connect_timeout_s,
                    max_open=MAX_OPEN if files < 0 else min(MAX_OPEN, files // 2),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Bounded as a whole by whoever asks, and in its parts by the connector.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=MAX_READ,
            )
        return self._session


def _blocked(course: _Course, ended: float) -> Attempted:
    return course.told(Outcome.BLOCKED, ended, code=FailureCode.BLOCKED, final=Final.BLOCKED)


def _failed(course: _Course, code: FailureCode, ended: float) -> Attempted:
    return course.told(Outcome.FAILED, ended, code=code)


def _abort(response: aiohttp.ClientResponse) -> None:
    """End the connection at once: nobody waits for a receiver to agree to that."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
