"""What a word is, beside a naive model that asks Python's own tables of Unicode."""

# ruff: noqa: RUF001

import random
import re
import unicodedata
from pathlib import Path

import pytest

from trigger_api.domain.log import word_characters
from trigger_api.domain.log.words import SEARCHED_CHARACTERS, Words, words_of
from trigger_retention.adapters import schema

SCRIPTS_WITHOUT_SPACES = re.compile(
    "(HALFWIDTH )?(CJK UNIFIED|CJK COMPAT|HIRAGANA|KATAKANA|BOPOMOFO|HANGUL|YI SYLL|THAI|LAO|KHMER"
    "|MYANMAR|TIBETAN|TAI |NEW TAI|JAVANESE|BALINESE|IDEOGRAPHIC ITER|IDEOGRAPHIC NUMBER)"
)
MANY_SCRIPTS = (
    "abc XYZ 019 .,;:_-/'() äÖßẞİıΣσς Áéñ—“”…·¿«»ªµº €™→× 🚀❤️👩‍💻 ،؟؛ العربية שלום־עולם हिन्दी। "
    "தமிழ் ไทยภาษา ລາວ ភាសា မြန်မာ 日本語カナかな、。・「」 "
    "ﾊﾝｶｸ ＡＢＣ，！ 한국어 中文𠀀 Ωﬁ²½Ⅷ \u0301\u0308\u00ad\u200b"
)


def is_word(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category in {"Mn", "Mc"}


def is_ignored(char: str) -> bool:
    return char in "\u00ad\u034f\ufe0f\ufeff\u200c\u200d"


def naive_words(text: str) -> list[str]:
    text = "".join(c for c in text if not is_ignored(c))
    text = "".join(" " if unicodedata.category(c)[0] == "S" and ord(c) > 127 else c for c in text)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFKC", text).replace("i\u0307", "i").replace("ı", "i")
    words = [""]
    kind = None
    for char in text:
        runs_on = bool(SCRIPTS_WITHOUT_SPACES.match(unicodedata.name(char, "")))
        of = (is_word(char), runs_on and is_word(char))
        if of != kind:
            words.append("")
        kind = of
        words[-1] += char if of[0] else ""
    return list(dict.fromkeys(filter(None, words)))


@pytest.mark.parametrize("seed", range(5))
def test_words_are_what_a_naive_model_says_in_many_scripts(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(2000):
        text = "".join(dice.choices(MANY_SCRIPTS, k=dice.randint(0, 25)))
        # Katakana's and kana's marks belong to all of its scripts, and have names of their own.
        assert list(words_of(text)) == naive_words(text), text


def test_the_characters_of_words_are_those_of_unicodes_categories() -> None:
    word = re.compile(f"[{word_characters.SPACED}{word_characters.CONTINUOUS}]")
    ignored = re.compile(f"[{word_characters.IGNORED}]")
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cn", "Cs") or ignored.match(char):
            continue
        assert bool(word.match(char)) == is_word(char), hex(code)


def test_retention_has_the_same_characters() -> None:
    folder = Path(schema.__file__).with_name("migrations")
    said = (folder / "0003_unicode_words.sql").read_text()
    said = re.sub(r"'\s+'", "", said)
    for name in ("SPACED", "CONTINUOUS", "IGNORED", "SYMBOLS"):
        assert f"'{getattr(word_characters, name)}';" in said, name


@pytest.mark.parametrize(
    ("payload", "q"),
    [
        *(("shipped" + sign + "x", "shipped") for sign in "🚀€™→×،؟।־！，。«・…"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("οδυσσευς", "ΟΔΥΣΣΕΥΣ"),
        ("STRASSE", "straße"),
        ("Straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("istanbul", "İSTANBUL"),
        ("diyarbakır", "DIYARBAKIR"),
        ("cafe\u0301", "CAFÉ"),
        ("ＡＢＣ１", "abc1"),
        ("e\u0301tude", "étude"),
        ("in\u00advisible", "invisible"),
        ("東京都に行く", "京都"),
        ("東京都に行く", "行"),
        ("สวัสดีชาวโลก", "ชาว"),
        ("서울에서", "서울"),
        ("iPhone手机壳", "手机"),
        ("iPhone手机壳", "iphone"),
        ("ﾃｽﾄ", "テスト"),
    ],
)
def test_a_word_is_found(payload: str, q: str) -> None:
    assert Words.in_payload({"note": payload}).hold(Words.of(q))


@pytest.mark.parametrize(
    ("payload", "q"),
    [("shipped🚀", "ship"), ("東京都", "都東"), ("東京 京都", "東京京都"), ("iPhone手机", "phone")],
)
def test_a_word_is_not_found(payload: str, q: str) -> None:
    assert not Words.in_payload({"note": payload}).hold(Words.of(q))


def test_of_a_long_payload_the_beginning_is_searched_and_no_part_of_a_word() -> None:
    filler = "x " * (SEARCHED_CHARACTERS // 2 - 3)
    words = Words.in_payload(f"{filler}whole halved last")
    assert words.spaced == {"x"}
    assert Words.in_payload(f"{filler}ab cd").spaced == {"x", "ab"}
    assert Words.in_payload("京" * 20_000 + "都").hold(Words.of("京京"))
    assert not Words.in_payload("京" * 20_000 + "都").hold(Words.of("都"))
