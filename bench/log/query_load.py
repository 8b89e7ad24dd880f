"""Asks a gateway by HTTP over keep-alive connections, one or several at a time."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import httpx

from bench.support.checks import expect, expect_equal
from bench.support.figures import Spread, spread
from bench.support.http_load import Reads, send
from bench.support.servers import Platform

from .questions import PAGE, Question

SEVERAL = 8
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds to an answer, with one client and with ``SEVERAL``."""

    alone: Spread
    together: Spread
    refused: int
    """Answers that said 503: a read took too long."""
    answers: int


async def ask(servers: Platform, address: Address, question: Question, seconds: float) -> Latencies:
    """``seconds`` for each of both."""
    await _warm_up(servers, address, question)
    took: list[Spread] = []
    statuses: Counter[int] = Counter()
    for clients in (1, SEVERAL):
        reads = Reads(*address, question.paths, (("X-API-KEY", servers.api_key),), clients, seconds)
        answers, _ = await send(reads)
        statuses.update(answers.statuses)
        took.append(spread([second * 1000 for second in answers.latencies_s]))
    expect(set(statuses) <= {200, 503}, f"{question.name}: answers of {dict(statuses)}")
    return Latencies(*took, refused=statuses[503], answers=statuses.total())


def client(servers: Platform, address: Address | None = None) -> httpx.AsyncClient:
    """Of the platform's own gateway, or of the one at ``address``."""
    host, port = address or servers.address
    return httpx.AsyncClient(
        base_url=f"http://{host}:{port}", headers={"X-API-KEY": servers.api_key}, timeout=60
    )


async def _warm_up(servers: Platform, address: Address, question: Question) -> None:
    """A statement's first execution in a session takes a plan; sessions live long."""
    # The last ones first: what is measured begins with the others, which no cache knows yet.
    paths = [question.paths[-1 - n % len(question.paths)] for n in range(2 * SEVERAL)]
    async with client(servers, address) as http:
        await asyncio.gather(*map(http.get, paths))


async def check(http: httpx.AsyncClient, question: Question) -> None:
    """The answer is what was asked for, as far as its form tells; a 503 is told later."""
    answer = await http.get(question.paths[0])
    if answer.status_code == 503:
        return
    expect_equal(answer.status_code, 200, f"{question.name}: {answer.text[:300]}")
    expect(bool(answer.json()), f"{question.name}: nothing was found")
    if "count=true" in question.paths[0]:
        expect(int(answer.headers["x-total-count"]) > 0, f"{question.name}: nothing was counted")


async def page_deep(http: httpx.AsyncClient, pages: int) -> str:
    """The path of the ``pages``-th page, found by following the links."""
    path = f"/events/?limit={PAGE}"
    for _ in range(pages - 1):
        answer = await http.get(path)
        expect_equal(answer.status_code, 200, "a page on the way down")
        path = answer.links["next"]["url"]
    return path
