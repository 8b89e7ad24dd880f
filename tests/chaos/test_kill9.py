"""SIGKILL in mid-load, one after the other and all at once: nothing lost, twice or old.

The kills hit while clients create, edit, delete and fire. Afterwards the checker decides from
what the clients noted and from the logs and tables.
"""

import signal

from tests.chaos.load import Load
from tests.chaos.verdict import decide, midst, progress, throw
from tests.support.platform import NAMES, Platform, running


async def test_kill_9_loses_nothing_doubles_nothing_and_brings_nothing_old_back() -> None:
    dice = throw()
    async with running() as platform:
        load = Load(platform, dice)
        await load.start()
        hits = 0
        for name in (*dice.sample(NAMES, len(NAMES)), *dice.sample(NAMES, len(NAMES))):
            await midst(load, dice)
            killed = await platform.kill(name)
            seen = await platform.until_ready(without=killed)
            print(f"killed {name} ({killed[name]}), now {seen['pids'][name]}")
            hits += seen["pids"][name] != killed[name]
        await midst(load, dice)
        hits += await _kill_all(platform)
        await progress(load, dice)
        await load.stop()
        assert hits == 2 * len(NAMES) + 1, "a kill never hit"
        await decide(platform, load.history)


async def _kill_all(platform: Platform) -> bool:
    """Everything and its supervisor at once, then ``etp up`` again on what they left."""
    before = platform.pids()
    platform.signal("supervisor", signal.SIGSTOP)  # it must not start one again meanwhile
    await platform.kill(*NAMES)
    await platform.down(signal.SIGKILL)
    await platform.up()
    print(f"killed {before} and etp up, now {platform.pids()}")
    return not set(before.values()) & set(platform.pids().values())
