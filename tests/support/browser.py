"""What a real Chromium must never say in a test, and what one looks at."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, ConsoleMessage, Page, WebError

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}

SCREENSHOTS = Path(os.environ.get("ETP_SCREENSHOTS", "build/screenshots"))

SEEN = """hidden => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
  document.dispatchEvent(new Event('visibilitychange'))
}"""
"""What a browser tells a page whose tab is covered; a headless one covers none."""

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Chromium tells of a violation on the console, too; the event says which rule and where.
_TELL_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`securitypolicyviolation: ${event.violatedDirective} ${event.blockedURI}`
    + ` ${event.sourceFile}:${event.lineNumber} ${event.sample}`)
})
"""
_NOT_LOADED = "Failed to load resource"


class Watch:
    """Hears what the pages of a context say that they should not: page errors, console errors and
    violations of the content security policy. A test declares what its flow brings about."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._expected: list[str] = []

    async def over(self, context: BrowserContext) -> None:
        await context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", self._failed)

    def expect(self, *what: int | str) -> None:
        """Resources that are answered with these statuses, or fail with such a network error
        (``net::ERR_CONNECTION_REFUSED``): Chromium prints a line for each."""
        self._expected += [
            f"{_NOT_LOADED}: the server responded with a status of {each}"
            if isinstance(each, int)
            else f"{_NOT_LOADED}: {each}"
            for each in what
        ]

    @property
    def unexpected(self) -> list[str]:
        return [said for said in self.heard if not said.startswith(tuple(self._expected))]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.heard.append(f"{message.text} ({message.location.get('url', '')})")

    def _failed(self, error: WebError) -> None:
        self.heard.append(f"page error: {error.error}")


_STICK = """sticks => {
  for (const bar of document.querySelectorAll('.edit-bar, .selection'))
    bar.style.position = sticks ? '' : 'static'
}"""


async def axe(
    page: Page,
    *,
    within: str | None = None,
    without: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> None:
    """Fails with what breaks WCAG 2.2 AA on the page, or ``within`` a selector of it.

    ``only`` these rules are asked, which is quicker, where the others have been.
    """
    rules = {rule: {"enabled": False} for rule in without}
    run_only = {"type": "rule", "values": only} if only else {"type": "tag", "values": WCAG}
    options = {"resultTypes": ["violations"], "runOnly": run_only, "rules": rules}
    # What a bar at the window's edge covers of a control depends on where the page is scrolled to.
    await page.evaluate(_STICK, False)
    found = await Axe().run(page, context=within, options=options)
    await page.evaluate(_STICK, True)
    assert found.violations_count == 0, found.generate_report()


async def screenshot(page: Page, name: str, **options: Any) -> Path:
    """For eyes: ``build/screenshots/NAME.png``, or below ``ETP_SCREENSHOTS``."""
    path = SCREENSHOTS / f"{name}.png"
    await page.screenshot(path=path, animations="disabled", **options)
    return path
