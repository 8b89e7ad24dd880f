"""From a key pressed in the create form to the preview of what it makes."""

from collections.abc import Sequence
from dataclasses import dataclass

from playwright.async_api import Page

from bench.support.checks import expect_equal

from .browser import probe
from .expressions import FIRST, strokes

PAUSE_MS = 150
"""For which the page waits after a key, in case another follows."""


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds."""

    shown: float
    """From the input to the frame that shows what it asked for."""
    server: float
    """Of these the server's: from the request sent to the first byte of its answer."""
    request: float
    """The whole request, as the browser sees it."""


async def type_expressions(page: Page, count: int) -> Sequence[Waited]:
    """``count`` keys, each when the last one's preview is there."""
    await page.goto("/ui/triggers/new?kind=cron")
    field = page.get_by_role("textbox", name="Cron expression", exact=True)
    await field.fill(FIRST)
    times = page.locator(".edit-preview [aria-busy=false] tbody tr")
    await times.first.wait_for()
    found = []
    for stroke in strokes(count):
        place = [stroke.at, stroke.at + 1]
        await field.evaluate("(it, place) => it.setSelectionRange(...place)", place)
        await probe(page, "arm('preview')")
        await page.keyboard.press(stroke.digit)
        found.append(Waited(**await probe(page, "arrived()")))
        expect_equal(await field.input_value(), stroke.makes, "what was typed")
        expect_equal(await times.count(), 10, "occurrences in the preview")
    return found
