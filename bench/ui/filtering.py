"""From a filter chosen in the log to the rows that pass: each kind, as a person chooses it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from playwright.async_api import Page, expect

from .browser import WITHIN_MS, probe
from .keystrokes import Waited

Choosing = Callable[[Page, int], Awaitable[None]]
"""Does all of it but the last input, which is its return; ``int`` is the round."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is there to be found, as many as rounds or fewer."""

    triggers: Sequence[str]
    """Their names."""
    common: Sequence[str]
    rare: Sequence[str]
    """Words of payloads."""


async def choose_filters(
    page: Page, rounds: int, kinds: Mapping[str, Choosing]
) -> Mapping[str, list[Waited]]:
    """Each kind of filter ``rounds`` times, each time on a log that is read anew and unfiltered."""
    found: dict[str, list[Waited]] = {}
    for number in range(rounds):
        for name, choose in kinds.items():
            await page.goto("/ui/events")
            await page.locator("[data-row]").first.wait_for()
            await page.locator(".histogram-plot").wait_for()
            await probe(page, "arm('rows')")
            await choose(page, number)
            waited = Waited(**await probe(page, "arrived()", of=f"{name}, round {number + 1}"))
            found.setdefault(name, []).append(waited)
    return found


def kinds_of(sought: Sought) -> Mapping[str, Choosing]:
    def words(said: Sequence[str]) -> Choosing:
        async def typed(page: Page, number: int) -> None:
            await page.get_by_role("searchbox").press_sequentially(said[number % len(said)])

        return typed

    async def trigger(page: Page, number: int) -> None:
        name = sought.triggers[number % len(sought.triggers)]
        await page.get_by_label("Trigger: ").click()
        await page.get_by_placeholder("Part of a trigger").fill(name)
        # The first list makes way for what is found: nobody reads and clicks within that time.
        await expect(page.get_by_role("option")).to_have_count(1, timeout=WITHIN_MS)
        await page.get_by_role("option", name=name, exact=True).click()

    return {
        "result: missed": _picked("Result: ", "missed"),
        "result: rejected": _picked("Result: ", "rejected"),
        "source: replay": _picked("Source: ", "replay"),
        "late by 30 s": _picked("Late by: ", "30 s or more"),
        "tests only": _picked("Tests: ", "only"),
        "trigger": trigger,
        "words, common": words(sought.common),
        "words, rare": words(sought.rare),
        "archived life": _archived,
        "zoom, dragged": _dragged,
        "zoom, by keys": _keyed,
    }


def _picked(label: str, option: str) -> Choosing:
    async def choose(page: Page, _number: int) -> None:
        await page.get_by_role("combobox", name=label).click()
        await page.get_by_role("option", name=option, exact=True).click()

    return choose


async def _archived(page: Page, _number: int) -> None:
    await page.get_by_role("button", name="Archived").click()


async def _dragged(page: Page, number: int) -> None:
    """A third of the chart, each time another one."""
    box = await page.locator(".histogram-plot").bounding_box()
    assert box is not None
    start = box["x"] + box["width"] * (0.1 + 0.5 * (number % 7) / 7)
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(start, middle)
    await page.mouse.down()
    await page.mouse.move(start + box["width"] / 3, middle, steps=5)
    await page.mouse.up()


async def _keyed(page: Page, number: int) -> None:
    await page.locator(".histogram-plot").focus()
    for key in ("End", *["Shift+PageUp"] * (1 + number % 7), "Enter"):
        await page.keyboard.press(key)
