"""How much work each scenario does: as the targets state it, or just enough to debug the suite."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts, and seconds where it says so."""

    spread: int
    spread_over_s: float
    same_instant: int
    recurring: int
    recurring_every_s: int
    recurring_for_s: int
    at_once: int
    connections: int
    load_s: float
    created: int
    held: int
    stored: int
    """Triggers of which it is measured what they take."""
    stored_fires: int
    """The same of fires, of schedules and by REST."""
    resting: tuple[int, ...]
    """How many triggers rest in the tables, stage by stage: what is compared is the first."""
    claims: int
    idle_s: float
    projected: int
    logged: int
    """Rows of the log over 48 hours."""
    arriving: int
    """Events a second, while the log is asked."""
    asked_s: float
    """Each question, by one client, and by several."""
    deep: int
    """Which page is the deep one."""
    exported_hours: int
    side_by_side: int
    """Candidates of a comparison that are measured at the same time."""
    turns: int
    keystrokes: int
    """In the create form of the UI."""
    rounds: int
    """Of each kind of filter of the UI's log."""
    overviews: int
    listed: tuple[int, ...]
    """How many triggers the UI lists: few and many."""
    scrolled_s: float
    followed_s: float
    """The UI's log, while events arrive."""
    framed_s: float
    """Of these, each time frames are watched."""
    interactions: int
    """Of each kind, with a slow processor and without."""
    attempts: int
    """To deliver an event, of one turn."""
    trials: int
    """Of each variant of what is compared, in turns."""
    delivered: int
    """Events to each of a few targets, and all of one of them again."""
    healthy: int
    """Events a second to endpoints that answer."""
    healthy_s: float
    """Of these, each time they are watched."""
    hanging: int
    """Endpoints that never answer."""
    hang_s: float
    """After so long an attempt at one is given up."""
    waiting: int
    """Deliveries that wait for endpoints that hang, or are away."""
    away_s: float
    """An endpoint answers nothing but 503 for so long, while deliveries wait for it."""
    pairs: int
    """Runs of each, with and without targets, in turns."""

    def with_changes(self, said: Iterable[str]) -> "Sizes":
        """``NAME=NUMBER`` each, with commas between several; a ValueError says what is wrong."""
        return replace(self, **dict(map(self._change, said)))

    def _change(self, said: str) -> tuple[str, object]:
        name, _, value = said.partition("=")
        kinds = {field.name: field.type for field in fields(self)}
        if name not in kinds:
            raise ValueError(f"there is no size {name!r}")
        if isinstance(getattr(self, name), tuple):
            return name, tuple(map(int, value.split(",")))
        return name, float(value) if kinds[name] is float else int(value)


FULL = Sizes(
    spread=1_000,
    spread_over_s=10,
    same_instant=5_000,
    recurring=10_000,
    recurring_every_s=10,
    recurring_for_s=30,
    at_once=20_000,
    connections=64,
    load_s=10,
    created=10_000,
    held=100_000,
    stored=20_000,
    stored_fires=5_000,
    resting=(0, 100_000, 1_000_000),
    claims=300,
    idle_s=10,
    projected=100_000,
    logged=5_000_000,
    arriving=1_000,
    asked_s=2.5,
    deep=1_000,
    exported_hours=5,
    side_by_side=1,
    turns=40,
    keystrokes=40,
    rounds=20,
    overviews=200,
    listed=(100, 10_000),
    scrolled_s=20,
    followed_s=600,
    framed_s=30,
    interactions=20,
    attempts=20_000,
    trials=4,
    delivered=9_950,
    healthy=200,
    healthy_s=20,
    hanging=1_000,
    hang_s=15,
    waiting=100_000,
    away_s=45,
    pairs=1,
)

QUICK = Sizes(
    spread=100,
    spread_over_s=2,
    same_instant=500,
    recurring=500,
    recurring_every_s=2,
    recurring_for_s=4,
    at_once=1_000,
    connections=16,
    load_s=1,
    created=300,
    held=1_000,
    stored=1_000,
    stored_fires=500,
    resting=(0, 1_000, 10_000),
    claims=30,
    idle_s=1,
    projected=3_000,
    logged=48_000,
    arriving=200,
    asked_s=0.2,
    deep=10,
    exported_hours=2,
    side_by_side=4,
    turns=2,
    keystrokes=5,
    rounds=2,
    overviews=10,
    listed=(30, 300),
    scrolled_s=2,
    followed_s=5,
    framed_s=2,
    interactions=2,
    attempts=500,
    trials=1,
    delivered=200,
    healthy=20,
    healthy_s=2,
    hanging=8,
    hang_s=1,
    waiting=160,
    away_s=2,
    pairs=1,
)
