"""Whatever others wrote, a line stays a line and a terminal obeys none of it."""

import io
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from trigger_runtime.process.printing import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Ünïcode 名前 🚀", "Ünïcode 名前 🚀"),
        ("a\nforged", r"a\nforged"),
        ("a\r\nb", r"a\r\nb"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x07\x00\x7f", r"\x07\x00\x7f"),
        ("\x85\x9b31m", r"\x85\x9b31m"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("exe.\u202etxt", r"exe.\u202etxt"),
        ("not utf-8 \udcff", r"not utf-8 \udcff"),
    ],
)
def test_what_a_terminal_obeys_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters()))
def test_anything_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    shown.encode()
    assert printable(shown) == shown


FORGED = "x\n2026-11-29T00:00:00Z [info     ] forged\x1b[2J"


def test_no_value_event_or_traceback_forges_a_record(logged: io.StringIO) -> None:
    log = structlog.get_logger("test")
    log.warning("refused", path=FORGED, one=FORGED.replace(" ", ""))
    log.warning(FORGED)
    logging.getLogger("a.library").warning("said by %s", FORGED)
    try:
        int(FORGED)
    except ValueError:
        log.exception("failed")
    lines = logged.getvalue().splitlines()
    assert "\x1b" not in logged.getvalue()
    assert not [line for line in lines if line.startswith("2026-11-29T00:00:00Z")]
    records = [line for line in lines if not line.startswith("  | ")]
    assert len(records) == 4
    assert any("ValueError" in line for line in lines if line.startswith("  | "))
