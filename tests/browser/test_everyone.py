"""Every route with each of its overlays open: legible and named for all, in both themes, wide and
narrow, with texts in it that were written to break a page."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Error, Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, WIDE, Watch, axe, screenshot
from tests.support.held_answers import HeldAnswers
from tests.support.whole_platform import Platform, running

HOSTILE = (
    "<script>window.hostile = 1</script><img src=x onerror='window.hostile = 1'>"
    " {{7*7}} \u202eright to left\u202c 😀 "
)
LONG = "W" * 300
LARGE = {"width": 2560, "height": 1440}
NAME = HOSTILE + "W" * (200 - len(HOSTILE))
LABEL = "<b>" + "L" * 61
SCHEMA = {"type": "object", "properties": {"amount": {"type": "number", "minimum": 0}}}


class State(NamedTuple):
    """An address, and what is pressed there, one after the other: role and name, or a key."""

    address: str
    presses: tuple[tuple[Any, str], ...] = ()
    shows: str | None = None
    """Some text or name that is there then."""
    is_early: bool = False
    """Pressed as well before any answer has come but that of the session."""


STATES = {
    "triggers": State("/triggers?sort=name"),
    "triggers-menu": State("/triggers?sort=name", (("button", "More for"),), "Delete"),
    "triggers-fire": State("/triggers?type=api", (("button", "Fire "),), "Payload"),
    "triggers-delete": State(
        "/triggers?type=scheduled",
        (("button", "More for"), ("menuitem", "Delete")),
        "what is due now",
    ),
    "triggers-pause": State(
        "/triggers?type=scheduled",
        (("button", "More for"), ("menuitem", "Why is there no pause?")),
        "To, inclusive",
    ),
    "triggers-sort": State("/triggers", (("combobox", "Sort"),), "option"),
    "triggers-chosen": State("/triggers", (("checkbox", "Select <script>"),), "selected"),
    "triggers-no-match": State("/triggers?q=nothing has this", (), "No trigger matches"),
    "new-once": State("/triggers/new?kind=once"),
    "new-cron-zone": State(
        "/triggers/new?kind=cron", (("combobox", "Time zone"),), "option", is_early=True
    ),
    "new-interval": State("/triggers/new?kind=interval"),
    "new-api": State(
        "/triggers/new?kind=api",
        (("button", "Begin with an example"),),
        "amount (needed when it fires)",
    ),
    "edit-api": State("/triggers/{api}/edit"),
    "edit": State("/triggers/{cron}/edit"),
    "trigger": State("/triggers/{cron}"),
    "trigger-log": State("/triggers/{api}?tab=log"),
    "trigger-restore": State(
        "/triggers/{cron}?tab=history&version=2", (("button", "Restore 1"),), "Restore version 1"
    ),
    "trigger-test": State("/triggers/{api}?tab=test"),
    "trigger-log-no-match": State(
        "/triggers/{cron}?tab=log&kind=missed", (), "Nothing of the chosen kinds"
    ),
    "trigger-fire": State(
        "/triggers/{api}?tab=test", (("button", "Fire for real"),), "own payload alone"
    ),
    "trigger-gone": State("/triggers/{gone}", (), "This trigger is deleted"),
    "trigger-again": State(
        "/triggers/{gone}", (("button", "Create again"),), "A new trigger with the same"
    ),
    "targets": State("/targets"),
    "targets-menu": State("/targets", (("button", "More for"),), "Delete"),
    "target-new": State("/targets/new", (("button", "Add a header"),), "Sent with each attempt"),
    "target": State("/targets/{hook}", (), "What is set"),
    "target-history": State("/targets/{hook}?tab=history&version=1", (), "As it was created"),
    "target-rotate": State("/targets/{hook}", (("button", "Rotate the secret"),), "Both sign for"),
    "target-edit": State("/targets/{hook}/edit"),
    "log": State("/events"),
    "log-archived": State("/events?life=archived", (), "Nothing is archived"),
    "log-no-match": State("/events?q=nothing has this", (), "No event passes"),
    "log-drawer": State("/events?event={event}", (), "Its life"),
    "log-export": State("/events", (("button", "Export"),), "menuitem"),
    "log-deliveries": State(
        "/events",
        (("button", "Deliveries"), ("menuitem", "Deliver again")),
        "There is no such delivery",
    ),
    "log-cancel": State(
        "/events?trigger={api}&q=amount",
        (("button", "Deliveries"), ("menuitem", "Cancel what waits")),
        "Nothing waits",
    ),
    "log-replay": State("/events", (("button", "Replay…"),), "would fire again"),
    "log-target": State(
        "/events?target={hook}", (("combobox", "Target: "),), "option", is_early=True
    ),
    "log-elsewhere": State(
        "/events/{event}", (("combobox", "Deliver to other targets"),), "option"
    ),
    "log-trigger": State(
        "/events?trigger={api}", (("combobox", "Trigger: "),), "option", is_early=True
    ),
    "event": State("/events/{rejected}", (), "What was wrong"),
    "event-erased": State("/events/01900000-0000-7000-8000-000000000000", (), "was erased"),
    "overview": State("/overview", (), "Dead letters"),
    "access": State("/access", (), "This session"),
    "nowhere": State("/nowhere"),
    "palette": State(
        "/access",
        (("key", "Control+k"), ("combobox", "a screen or a setting"), ("key", "s"), ("key", "c")),
        "api trigger",
    ),
    "keys": State("/access", (("key", "?"),), "Find a trigger, go anywhere"),
}


@pytest.fixture(scope="module")
async def platform(built_ui: None) -> AsyncIterator[Platform]:
    async with running() as started:
        yield started


@pytest.fixture(scope="module")
async def ids(platform: Platform) -> dict[str, str]:
    return await populated(platform)


async def populated(platform: Platform) -> dict[str, str]:
    """One of everything, and what each address needs."""
    payload = {HOSTILE: HOSTILE, LONG: LONG, "amount": 1}
    texts = {"name": NAME, "description": f"{HOSTILE} {LONG}", "labels": [LABEL]}
    # Nothing leaves the machine: what a trigger names is a subject of the platform's own broker.
    subject = {"type": "nats", "subject": "out." + "w" * 64, "name": NAME}
    hook = {"type": "webhook", "url": f"https://1.1.1.1/{LONG}", "name": NAME}
    heads = {"headers": {"X-" + "W" * 98: LONG}, "secret_headers": {"X-Secret": LONG}}
    made = [
        (await platform.rest.post("/targets/", json=fields)).json()["id"]
        for fields in (subject, {**hook, **heads})
    ]
    api = await platform.create(
        type="api", payload=payload, payload_schema=SCHEMA, targets=made[:1], **texts
    )
    cron = await platform.create(type="scheduled", cron="30 2 * * *", **texts)
    gone = await platform.create(type="api", **texts)
    edit = {"cron": "30 3 * * *", "payload": payload}
    assert (await platform.rest.patch(f"/triggers/{cron['id']}", json=edit)).status_code == 200
    assert (await platform.rest.delete(f"/triggers/{gone['id']}")).status_code == 204
    event = await platform.fire(api["id"])
    fired = f"/triggers/{api['id']}/fire"
    refused = await platform.rest.post(fired, json={"payload": {"amount": -1, LONG: HOSTILE}})
    assert refused.status_code == 422
    async with platform.connected() as client:
        await platform.send(client, "fire", json.dumps({HOSTILE: LONG}).encode())
    rows = await platform.until_events(2, trigger_id=api["id"])
    [rejected] = [row["id"] for row in rows if row["status"] == "rejected"]
    await platform.until_quiet()
    return {
        "api": api["id"],
        "cron": cron["id"],
        "gone": gone["id"],
        "event": event,
        "rejected": rejected,
        "hook": made[1],
    }


async def press(page: Page, role: Any, name: str) -> None:
    if role == "key":
        await page.keyboard.press(name)
    else:
        await page.get_by_role(role, name=name).first.click()


async def open_state(page: Page, state: State, ids: dict[str, str]) -> None:
    await page.goto(f"/ui{state.address}".format(**ids))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    for role, name in state.presses:
        await press(page, role, name)
    if state.shows in ("option", "menuitem"):
        await expect(page.get_by_role(state.shows).first).to_be_visible()
    elif state.shows:
        await expect(page.get_by_text(state.shows).first).to_be_visible()
    await expect(page.locator(".skeleton")).to_have_count(0)


async def is_wider_than_its_window(page: Page) -> bool:
    return await page.evaluate("document.documentElement.scrollWidth > innerWidth")


async def test_every_route_and_overlay_is_for_everyone_whatever_texts_are_in_it(
    new_context: NewContext, ids: dict[str, str], watch: Watch
) -> None:
    watch.expect(404, 410, 422)
    page = await (await new_context(color_scheme="light")).new_page()
    faults: list[str] = []
    for name, state in STATES.items():
        try:
            await open_state(page, state, ids)
            await axe(page)
            await page.emulate_media(color_scheme="dark")
            await axe(page, only=("color-contrast",))
            await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
            await axe(page)
            await screenshot(page, f"everyone-{name}-narrow-dark")
            for size in (NARROW, LARGE):
                await page.set_viewport_size(size)  # type: ignore[arg-type]
                if await is_wider_than_its_window(page):
                    faults.append(f"{name}: wider than its window of {size['width']} px")
        except (AssertionError, Error) as fault:
            faults.append(f"{name}: {fault}")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert await page.evaluate("window.hostile") is None
    assert faults == [], "\n\n".join(faults)


DENIAL = re.compile(r"\b(no|none|nothing|never|not|deleted|gone|erased)\b", re.IGNORECASE)
MOST_MOVED = 0.05
"""Layout shift of a whole load: names of 200 characters make room for themselves."""


async def faults_between(held: HeldAnswers) -> list[str]:
    """What is wrong with what is drawn between two answers, until all have come."""
    after: str | None = "nothing"
    looks = []
    while after is not None:
        looks.append((after, await held.look()))
        after = await held.release_next()
    told = looks[-1][1]["lines"]
    return [
        f"after {after}: {fault}"
        for after, look in looks
        for fault in (
            *(f"has no name: {element}" for element in look["unnamed"]),
            *(
                f"denied what came: {line}"
                for line in look["lines"]
                # Said in full once more is known.
                if DENIAL.search(line) and not any(is_told(line, one) for one in told)
            ),
        )
    ]


def is_told(line: str, at_last: str) -> bool:
    return at_last.startswith(line.rstrip(".,"))


async def test_between_two_answers_nothing_is_unnamed_denied_or_moved(
    new_context: NewContext, ids: dict[str, str], watch: Watch
) -> None:
    """Each route and overlay while its answers come one at a time: all that is drawn has a name,
    nothing is said not to be there that comes later, and what is read stays where it is."""
    watch.expect(404, 410, 422)
    page = await (await new_context()).new_page()
    held = HeldAnswers(page)
    await held.begin()
    faults: list[str] = []
    seen: set[str] = set()
    for name, state in STATES.items():
        is_new = state.address not in seen
        seen.add(state.address)
        await held.hold(is_holding=is_new or state.is_early)
        await page.goto(f"/ui{state.address}".format(**ids))
        await held.look()
        if state.is_early:
            await held.release_next()
        elif is_new:
            await axe(page)
            found = await faults_between(held)
            if (moved := (await held.look())["shifted"]) > MOST_MOVED:
                found.append(f"what was there has moved: {moved}")
            faults += [f"{name}: {fault}" for fault in found]
        for role, pressed in state.presses[:1]:
            # What it stands among may be asked for yet.
            if role != "key":
                await page.get_by_role(role, name=pressed).first.wait_for()
        await held.hold(is_holding=True)
        for role, pressed in state.presses:
            await press(page, role, pressed)
            if role == "combobox":
                await expect(page.locator(".popup, [role=listbox]").first).to_be_visible()
            faults += [f"{name}, {pressed}: {fault}" for fault in await faults_between(held)]
    assert faults == [], "\n".join(faults)
