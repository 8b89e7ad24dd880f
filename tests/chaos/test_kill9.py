"""SIGKILL in mid-load, one after the other and all at once: nothing lost, twice or old.

The kills hit while clients create, edit, delete and fire. Afterwards the checker decides from
what the clients noted and from the logs and tables.
"""

import signal
from functools import partial

from tests.chaos.load import Load
from tests.chaos.verdict import decide, progress, strike_in_the_midst, throw
from tests.support.whole_platform import NAMES, Platform, running


async def test_kill_9_loses_nothing_doubles_nothing_and_brings_nothing_old_back() -> None:
    dice = throw()
    async with running() as platform:
        load = Load(platform, dice)
        await load.start()
        for name in (*dice.sample(NAMES, len(NAMES)), *dice.sample(NAMES, len(NAMES))):
            before = platform.pids()
            await strike_in_the_midst(load, dice, name, partial(_kill, platform, name))
            # A kill that did not hit would leave the old pid there.
            seen = await platform.until_ready(without={name: before[name]})
            print(f"killed {name} ({before[name]}), now {seen['pids'][name]}")
        before = platform.pids()
        await strike_in_the_midst(load, dice, "all", partial(_kill_all, platform))
        await platform.down(signal.SIGKILL)
        await platform.up()
        print(f"killed {before} and etp up, now {platform.pids()}")
        assert not set(before.values()) & set(platform.pids().values())
        await progress(load, dice)
        await load.stop()
        await decide(platform, load.history)


def _kill(platform: Platform, name: str) -> None:
    platform.signal(name, signal.SIGKILL)


def _kill_all(platform: Platform) -> None:
    platform.signal("supervisor", signal.SIGSTOP)  # it must not start one again meanwhile
    for name in NAMES:
        platform.signal(name, signal.SIGKILL)
