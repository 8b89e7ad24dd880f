"""Lists of large definitions: a page ends by bytes before it ends by rows; nothing is missed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.api.stand_in import StandInScheduler
from trigger_api.adapters import byte_pages
from trigger_api.adapters.byte_pages import PAGE_BYTES

LARGE = 240_000
"""Bytes of a payload, somewhat less than what is accepted."""
A_PAGE = 9
"""So many of them begin within ``PAGE_BYTES``."""
MANY = 2 * A_PAGE + 1


def large(number: int) -> list[Any]:
    """In letters of one byte or of two: what counts are bytes."""
    letter = "xé"[number % 2]
    return [number, letter * (LARGE // len(letter.encode()))]


async def pages(http: httpx.AsyncClient, path: str) -> AsyncIterator[httpx.Response]:
    """A list, page by page, as its ``Link`` headers lead through it."""
    url: str | None = path
    while url is not None:
        response = await http.get(url)
        assert response.status_code == 200, response.text
        yield response
        url = response.links.get("next", {}).get("url")


async def rows_of(http: httpx.AsyncClient, path: str) -> list[list[Any]]:
    found = []
    async for page in pages(http, path):
        assert len(page.content) < PAGE_BYTES + 300_000
        found.append(page.json())
    return found


@pytest.fixture
async def history_of(http: httpx.AsyncClient, scheduler: StandInScheduler) -> str:
    """A trigger that was edited again and again, to large payloads."""
    created = await http.post("/triggers/", json={"name": "e", "type": "api", "payload": large(0)})
    one: str = created.headers["location"]
    for number in range(1, MANY):
        edited = await http.patch(one, json={"payload": large(number)})
        assert edited.status_code == 200, edited.text
    return one


async def test_a_list_of_large_triggers_comes_in_pages_bounded_by_bytes(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for number in range(MANY):
        body = {"name": f"n{number}", "type": "api", "payload": large(number), "labels": ["l"]}
        assert (await http.post("/triggers/", json=body)).status_code == 201
        if number % 2:
            await http.post("/triggers/", json={"name": "s", "type": "api"})
    wanted = [f"n{number}" for number in reversed(range(MANY))]
    found = await rows_of(http, "/triggers/?limit=500&label=l&q=N")
    assert [[row["name"] for row in page] for page in found] == [
        wanted[:A_PAGE],
        wanted[A_PAGE : 2 * A_PAGE],
        wanted[2 * A_PAGE :],
    ]
    assert [row["payload"][0] for page in found for row in page] == [*reversed(range(MANY))]
    # Small ones among them cost a page next to nothing; a small limit is a limit.
    found = await rows_of(http, "/triggers/?limit=500")
    assert sum(len(page) for page in found) == MANY + A_PAGE
    assert max(len(page) for page in found) > A_PAGE
    assert {len(page) for page in await rows_of(http, "/triggers/?limit=2")} == {2}


async def test_a_history_of_large_edits_comes_in_pages_bounded_by_bytes(
    http: httpx.AsyncClient, history_of: str
) -> None:
    found = await rows_of(http, f"{history_of}/history?limit=500")
    assert [len(page) for page in found] == [A_PAGE, A_PAGE, 1]
    versions = [row["version"] for page in found for row in page]
    assert versions == [*range(MANY, 0, -1)]
    numbers = [row["definition"]["payload"][0] for page in found for row in page]
    assert numbers == [*range(MANY - 1, -1, -1)]


async def test_a_page_has_a_row_however_large_that_is(
    http: httpx.AsyncClient, history_of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_pages, "PAGE_BYTES", 1)
    found = await rows_of(http, f"{history_of}/history?limit=3")
    assert [len(page) for page in found] == [1] * MANY
    # After the last one there is nothing, and no link.
    assert [len(page) for page in await rows_of(http, "/triggers/")] == [1]
