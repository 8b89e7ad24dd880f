"""A page whose answers are held back, and given out one at a time: what it shows between two."""

import asyncio
from typing import Any

from playwright.async_api import Error, Page, Request, Route

_FRAMES = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"""

_SHIFTS = """
window.shifted = 0
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value
}).observe({ type: 'layout-shift', buffered: true })
"""

_LOOK = r"""() => {
  const isSeen = (each) =>
    each.checkVisibility({ visibilityProperty: true }) && !each.closest('[aria-hidden=true]')
  const wordsOf = (each) => [
    each.getAttribute('aria-label'),
    each.title,
    each.textContent,
    ...(each.getAttribute('aria-labelledby') ?? '').split(' ').map(
      (id) => document.getElementById(id)?.textContent),
    ...[...each.querySelectorAll('[aria-label]')].map((part) => part.getAttribute('aria-label')),
  ]
  const named = 'a, button, h1, h2, h3, h4, summary, th, legend, [role=combobox], [role=tab],'
    + '[role=dialog], [role=region], [role=columnheader], [role=slider], [role=option]'
  const shown = [document.querySelector('main'), ...document.querySelectorAll('[role=dialog]')]
  return {
    unnamed: [...document.querySelectorAll(named)]
      .filter((each) => isSeen(each) && !wordsOf(each).some((word) => word?.trim()))
      .map((each) => each.outerHTML.slice(0, 200)),
    lines: shown.flatMap((each) => (each?.innerText ?? '').split('\n'))
      .map((line) => line.trim()).filter(Boolean),
    shifted: window.shifted,
  }
}"""


class HeldAnswers:
    """The answers of the API to a page; its own files come as they do."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: list[Route] = []
        self._loading: set[Request] = set()
        self._is_holding = True

    async def begin(self) -> None:
        await self._page.add_init_script(_SHIFTS)
        await self._page.route(lambda url: "/ui/" not in url and "/stream" not in url, self._hold)
        self._page.on("request", self._asked)
        self._page.on("requestfinished", self._came)
        self._page.on("requestfailed", self._came)

    async def look(self) -> dict[str, Any]:
        """What is drawn once all that has come is: elements without a name, lines of text, and how
        far what was there has moved since the page was loaded."""
        while True:
            await asyncio.gather(*map(_ended, self._loading))
            await self._page.evaluate(_FRAMES)
            if not self._loading:
                break
        found: dict[str, Any] = await self._page.evaluate(_LOOK)
        return found

    async def release_next(self) -> str | None:
        """Let the answer come that was asked for last, and say which; None if none is held.

        So an answer comes before those that were asked for before it.
        """
        if not self._held:
            return None
        route = self._held.pop()
        await _continued(route)
        await _ended(route.request)
        return route.request.url

    async def hold(self, *, is_holding: bool) -> None:
        """Whether those are held that are asked for from now on; if not, none is any more."""
        self._is_holding = is_holding
        while self._held and not is_holding:
            await _continued(self._held.pop())

    async def _hold(self, route: Route) -> None:
        if self._is_holding:
            self._held.append(route)
        else:
            await _continued(route)

    def _came(self, request: Request) -> None:
        self._loading.discard(request)

    def _asked(self, request: Request) -> None:
        if "/ui/" in request.url or not (self._is_holding or "/stream" in request.url):
            self._loading.add(request)


async def _continued(route: Route) -> None:
    try:
        await route.continue_()
    except Error:
        return  # the page does not want it any more


async def _ended(request: Request) -> None:
    try:
        response = await request.response()
        if response is not None:
            await response.finished()
    except Error:
        return
