"""What the log is asked, as paths: each question in several variants, asked in turn.

Pure. Where a question has few variants the gateway's cache knows their answers; ``is_kept`` says
which questions it keeps at all.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from .loading import TRIGGERS
from .payloads import Notes

PAGE = 50
_COMMON, _UNCOMMON, _RARE = 0.2, 0.05, 0.01
"""Shares of all notes that hold a word."""
_VARIANTS, _COMMON_VARIANTS = 100, 10
"""Few words are common."""

BY_WORD_MS = 150
QUICK_MS = 10
STATS_MS = 100


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    paths: Sequence[str]
    most_ms: int | None = None
    """The target for its 99th percentile."""
    is_kept: bool = False


def questions(
    made: Notes,
    *,
    order_ids: Iterable[str],
    event_ids: Iterable[str],
    page: int,
    deep: str,
    since: datetime,
) -> list[Question]:
    """``order_ids`` and ``event_ids`` are of some rows, ``deep`` is the path to ``page``; three
    hours from ``since`` on are looked at more closely.
    """
    hours = {"from": since.isoformat(), "to": (since + timedelta(hours=3)).isoformat()}
    numbers = list(range(TRIGGERS))
    random.Random(1).shuffle(numbers)
    triggers = [f"bench-{number:04}" for number in numbers]
    names = [f"Bench {number}" for number in numbers]
    common = made.words_in(_COMMON, _COMMON_VARIANTS)
    uncommon, rare = (made.words_in(share, _VARIANTS) for share in (_UNCOMMON, _RARE))
    once = [order_id.rpartition("-")[2] for order_id in order_ids]

    def found(name: str, most_ms: int | None, asked: Iterable[dict[str, object]]) -> Question:
        return Question(name, [_listed(**one) for one in asked], most_ms, is_kept=True)

    def counted(name: str, asked: Iterable[dict[str, object]]) -> Question:
        return Question(name, [_listed(count="true", limit=1, **one) for one in asked])

    return [
        found("latest 50", QUICK_MS, [{}]),
        found("by trigger", QUICK_MS, ({"trigger_id": one} for one in triggers)),
        found("by trigger's name", QUICK_MS, ({"trigger_name": one} for one in names)),
        found("by status (missed)", QUICK_MS, [{"status": "missed"}]),
        found("by source (replay)", QUICK_MS, [{"source": "replay"}]),
        found("late by 10 s", QUICK_MS, [{"min_lateness": 10}]),
        found("by a word of one row", BY_WORD_MS, ({"q": one} for one in once)),
        found("by a word of 1 % of rows", BY_WORD_MS, ({"q": one} for one in rare)),
        found("by a word of 20 % of rows", BY_WORD_MS, ({"q": one} for one in common)),
        found(
            "by two words, of 5 % and 1 %",
            BY_WORD_MS,
            ({"q": " ".join(pair)} for pair in zip(uncommon, rare, strict=True)),
        ),
        Question(f"page {page:,}", [deep], QUICK_MS),
        Question("stats over 48 h", ["/events/stats"], STATS_MS),
        Question("stats over 3 h", [f"/events/stats?{urlencode(hours)}"], STATS_MS),
        counted("count of one trigger", ({"trigger_id": one} for one in triggers)),
        counted("count of a status (missed)", [{"status": "missed"}]),
        counted("count of everything", [{}]),
        counted("count by a word of 20 %", ({"q": one} for one in common)),
        Question("one event by id", [f"/events/{one}" for one in event_ids]),
    ]


def _listed(**asked: object) -> str:
    return f"/events/?{urlencode(asked)}" if asked else "/events/"
