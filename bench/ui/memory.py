"""What a page holds: its JavaScript heap and its DOM, after a garbage collection."""

from dataclasses import dataclass

from playwright.async_api import Page

from .browser import devtools
from .frames import metrics

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Held:
    heap_mib: float
    nodes: int
    listeners: int


async def held(page: Page) -> Held:
    async with devtools(page) as session:
        await session.send("Performance.enable")
        # What finalizers let go of is only found by a second one.
        for _ in range(2):
            await session.send("HeapProfiler.collectGarbage")
        now = await metrics(session)
    return Held(now["JSHeapUsedSize"] / _MIB, int(now["Nodes"]), int(now["JSEventListeners"]))
