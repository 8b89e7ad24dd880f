"""From a click to the next frame, as INP has it: with a processor as it is, and with a slow one."""

from collections.abc import Mapping

from playwright.async_api import Locator, Page

from .browser import devtools, probe

LEAST_MS = 16
"""Event Timing tells of nothing shorter."""


async def interact(page: Page, times: int, slowdown: float) -> Mapping[str, list[float]]:
    """Milliseconds of each interaction, ``times`` times; the first of each is its very first."""
    found: dict[str, list[float]] = {}

    async def note(name: str) -> None:
        found.setdefault(name, []).append(max(LEAST_MS, await probe(page, "takeInteraction()")))

    async with devtools(page) as session:
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        try:
            await _in_the_list(page, times, note)
            await _in_the_log(page, times, note)
        finally:
            await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return found


async def _in_the_list(page, times, note) -> None:
    await page.goto("/ui/triggers")
    more = page.get_by_role("button", name="More for ")
    await more.first.wait_for()
    await probe(page, "takeInteraction()")
    for number in range(times):
        await more.nth(number % 5).click()
        await page.get_by_role("menu").wait_for()
        await note("menu of a row, opened")
        await _closed(page, page.get_by_role("menu"))


async def _in_the_log(page, times, note) -> None:
    await page.goto("/ui/events")
    rows = page.locator("[data-row]")
    await rows.first.wait_for()
    await probe(page, "takeInteraction()")
    picker = page.get_by_role("combobox", name="Result: ")
    for number in range(times):
        await rows.nth(number % 5).locator(".cell-logged").click()
        await page.get_by_role("dialog").wait_for()
        await note("drawer, opened")
        await _closed(page, page.get_by_role("dialog"))
    for _ in range(times):
        await picker.click()
        await page.get_by_role("listbox").wait_for()
        await note("filter, opened")
        fired = page.get_by_role("option", name="fired", exact=True)
        await fired.click()
        await note("filter, chosen")
        await fired.click()
        await _closed(page, page.get_by_role("listbox"))
    for number in range(times):
        await page.get_by_role("searchbox").press("abcdefgh"[number % 8])
        await note("word, a key typed")


async def _closed(page: Page, overlay: Locator) -> None:
    await page.keyboard.press("Escape")
    await overlay.wait_for(state="detached")
    await probe(page, "takeInteraction()")
