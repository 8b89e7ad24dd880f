"""The rule of words stands twice, in Python and in SQL: the two say the same of any payload."""

# ruff: noqa: RUF001

import json
import random
import unicodedata
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from pydantic_core import to_json

from tests.support.servers import Database
from trigger_api.domain.log.words import Words, words_of

ASSIGNED = [
    chr(code)
    for code in range(1, 0x110000)
    if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
]
"""Of what is not assigned yet, each may have a Unicode of its own."""
SCRIPTS = (
    "🚀❤️€™→× ،؟ العربية שלום־עולם हिन्दी। தமிழ் ไทยภาษา ລາວ ភាសា မြန်မာ カナかな、。・「」 "
    "ﾊﾝｶｸ ＡＢＣ，！ 한국어 中文𠀀 Ωﬁ²½Ⅷ \u0301\u0308\u00ad\u200b\u200d"
)
USUAL = "abcXYZ019 .,;:_-/\\\"'\n\t{}[]()%$€äÖßİıΣσς Áé—“”…·¿«»÷ªµº日本語　、。"


def parts_of(words: Words) -> set[str]:
    """What retention's indexes hold of them: of a run its characters, and each two that follow."""
    pairs = (a + b for run in words.runs for a, b in pairwise(run))
    return {*words.spaced, *pairs, *"".join(words.runs)}


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with database.connected("etp_api") as connected:
        yield connected


def some_payload(dice: random.Random, depth: int = 2) -> Any:
    length = dice.randint(5000, 12_000) if dice.random() < 0.003 else dice.randint(0, 30)
    text = "".join(dice.choice(dice.choice((USUAL, SCRIPTS, ASSIGNED))) for _ in range(length))
    kinds = [text, text, dice.randrange(10**9), dice.random() * 1e10, True, None]
    if depth:
        kinds += [
            {text: some_payload(dice, depth - 1), "key": some_payload(dice, depth - 1)},
            [some_payload(dice, depth - 1) for _ in range(3)],
        ]
    return dice.choice(kinds)


@pytest.mark.parametrize("seed", range(4))
async def test_python_and_sql_find_the_same_words(
    seed: int, connection: asyncpg.Connection
) -> None:
    dice = random.Random(seed)
    payloads = [some_payload(dice) for _ in range(1000)]
    rows = await connection.fetch(
        """
        SELECT ARRAY(SELECT DISTINCT unnest(retention.word_hashes(payload::json)) ORDER BY 1)
               = ARRAY(SELECT DISTINCT hashtextextended(word COLLATE "C", 0)
                       FROM json_array_elements_text(words::json) AS word ORDER BY 1) AS same
        FROM unnest($1::text[], $2::text[]) AS one (payload, words)""",
        [to_json(payload).decode() for payload in payloads],
        [json.dumps(sorted(parts_of(Words.in_payload(payload)))) for payload in payloads],
    )
    different = [p for p, row in zip(payloads, rows, strict=True) if not row["same"]]
    assert not different


def test_words_are_runs_of_letters_and_digits() -> None:
    assert words_of("Order A-17: 50% off, naïve_x") == (
        *("order", "a", "17", "50", "off"),
        *("naïve", "x"),
    )
    assert words_of(" ;%_'\"—") == ()


def test_an_escape_separates_words() -> None:
    words = Words.in_payload('one\ntwo"three\\four\x01five')
    assert words.spaced == {"one", "two", "three", "four", "five"}
