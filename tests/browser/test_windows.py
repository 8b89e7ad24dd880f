"""More windows of one browser than a host has connections: each follows the log, none stands still.

A browser opens six connections a host on HTTP/1.1, for all of its windows together.
"""

from playwright.async_api import Page, expect

from tests.support.whole_platform import Platform

CONNECTIONS = 6


async def test_more_windows_than_connections_follow_the_log_and_are_answered(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="windows, order", type="api")
    fired = [await platform.fire(made["id"])]
    await platform.until_events(1, trigger_id=made["id"])
    windows = [page, *[await page.context.new_page() for _ in range(CONNECTIONS + 1)]]
    for window in windows:
        await window.goto(f"/ui/events?trigger={made['id']}")
        await expect(window.locator("[data-row]")).to_have_count(1)
    for window in windows:
        await expect(window.get_by_text("Live", exact=True)).to_be_visible()

    # Those that take turns miss nothing of what came between them.
    for _ in range(3):
        fired += [await platform.fire(made["id"]) for _ in range(4)]
        for window in windows:
            await expect(window.locator("[data-row]")).to_have_count(len(fired))
            shown = await window.locator("[data-row]").evaluate_all(
                "all => all.map((one) => one.dataset.row)"
            )
            assert shown == fired[::-1]

    # Who has lasted so far leaves its place to those that take turns.
    for window in windows[: CONNECTIONS - 2]:
        await window.close()
    fired.append(await platform.fire(made["id"]))
    for window in windows[CONNECTIONS - 2 :]:
        await expect(window.locator("[data-row]")).to_have_count(len(fired))
        await window.reload()
        await expect(window.locator("[data-row]")).to_have_count(len(fired))
