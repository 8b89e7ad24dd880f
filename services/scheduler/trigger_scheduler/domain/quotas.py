"""What a creator and all schedules together may ask for, and whether a change still fits.

A quota refuses what would add to a use that is at its end; what adds nothing, or takes away,
always passes. Pure. Called where commands are decided.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from trigger_contracts.commands import GATEWAY_ACTOR
from trigger_contracts.errors import Code, FieldError, Problem, problem
from trigger_contracts.events import Status, TriggerChanged
from trigger_contracts.schedule import fires_a_day

SECONDS_A_DAY = 86_400

NATS = "nats"
"""The creator of what was not created by REST; also of triggers older than ``created_by``."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """The most active triggers of one creator, and fires a second of all schedules together."""

    max_triggers: int
    max_fires_per_second: int


@dataclass(frozen=True, slots=True)
class Load:
    """What one trigger adds to the use: itself, and how often a day it fires."""

    triggers: int
    fires_a_day: int


def load_of(change: TriggerChanged | None) -> Load:
    """Of a version. What has no further fire costs nothing; tests are gone in a moment."""
    if change is None or change.is_test or change.status is not Status.ACTIVE:
        return Load(0, 0)
    return Load(1, 0 if change.schedule is None else fires_a_day(change.schedule))


def creator_of(change: TriggerChanged) -> str:
    """Whose triggers it counts among: an API key's, or those of all who publish over NATS.

    These can write any actor, so that a quota for each would be none.
    """
    return sender_of(change.created_by or "")


def sender_of(actor: str) -> str:
    """Who asks, as quotas and turns tell them apart: see ``creator_of``."""
    return actor if actor.startswith(GATEWAY_ACTOR) else NATS


class Usage:
    """What is used of the quotas, with what was admitted since it was read."""

    def __init__(self, quotas: Quotas, triggers: Mapping[str, int], fires_a_day: int) -> None:
        """``triggers`` by creator."""
        self._quotas = quotas
        self._triggers = Counter(triggers)
        self._fires_a_day = fires_a_day

    def admit(self, before: TriggerChanged | None, change: TriggerChanged) -> Problem | None:
        """Count a change in, or say why it does not fit."""
        old, new = load_of(before), load_of(change)
        creator = creator_of(change)
        triggers = self._triggers[creator] + new.triggers - old.triggers
        fires = self._fires_a_day + new.fires_a_day - old.fires_a_day
        if new.triggers > old.triggers and triggers > self._quotas.max_triggers:
            return problem(
                Code.QUOTA_EXCEEDED,
                f"{creator} has {self._triggers[creator]} active triggers, and "
                f"may have {self._quotas.max_triggers} (ETP_MAX_TRIGGERS): delete some first",
            )
        most = self._quotas.max_fires_per_second * SECONDS_A_DAY
        if new.fires_a_day > old.fires_a_day and fires > most:
            rate = new.fires_a_day / SECONDS_A_DAY
            detail = (
                f"all schedules together may fire {self._quotas.max_fires_per_second} times a "
                f"second (ETP_MAX_FIRES_PER_SECOND) and fire "
                f"{self._fires_a_day / SECONDS_A_DAY:.4g} times; this one asks for {rate:.4g} more"
            )
            field = "cron" if change.definition.cron is not None else "interval"
            return problem(
                Code.QUOTA_EXCEEDED, detail, [FieldError(pointer=f"/{field}", message=detail)]
            )
        self._triggers[creator] = triggers
        self._fires_a_day = fires
        return None
