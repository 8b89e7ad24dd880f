"""What the UI's bench measures is there to be measured: its smallest sizes, on this platform."""

from playwright.async_api import Browser

from bench.ui import following
from bench.ui.browser import signed_in
from bench.ui.filtering import Sought, choose_filters, kinds_of
from bench.ui.frames import scroll, to_and_fro
from bench.ui.interactions import interact
from bench.ui.keystrokes import PAUSE_MS, type_expressions
from bench.ui.memory import held
from bench.ui.shifts import screens, shift
from tests.support.browser import Watch
from tests.support.whole_platform import Platform


async def test_the_bench_of_the_ui_measures_each_of_its_figures(
    browser: Browser, platform: Platform, watch: Watch
) -> None:
    made = await platform.create(name="bench, first", type="api")
    event_id = await platform.fire(made["id"], payload={"word": "unusual"})
    await platform.until_events(1, trigger_id=made["id"])
    async with signed_in(browser, platform.status["url"], platform.status["api_key"]) as page:
        await watch.over(page.context)
        [key] = await type_expressions(page, 1)
        assert key.shown > PAUSE_MS
        assert 0 < key.server <= key.request < key.shown

        kinds = kinds_of(Sought(["bench, first"], ["unusual"], ["unusual"]))
        some = {name: kinds[name] for name in ("result: missed", "words, rare")}
        waits = await choose_filters(page, 1, some)
        assert all(0 < one.server <= one.request < one.shown for [one] in waits.values())

        # The log is open still.
        watched = await following.watch(page, 0.2)
        assert watched.frames.count > 0
        assert watched.rows > 0
        assert (await held(page)).nodes > 100

        found = await interact(page, 1, 4)
        assert {len(times) for times in found.values()} == {1}
        await page.goto("/ui/triggers")
        turned = await scroll(page, to_and_fro(0.2, each=2))
        assert (turned.events > 0, turned.cpu_s > 0) == (True, True)
        assert await shift(page, screens(made["id"], event_id)["log"], 1) >= 0
