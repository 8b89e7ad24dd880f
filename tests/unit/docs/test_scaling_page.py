"""What the page on scaling says was measured stands in the results that it names."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RESULTS = json.loads((ROOT / "bench/results/latest.json").read_text())["scenarios"]

_ROW = re.compile(
    r"^\| ([\d.,]+) (\S+) \| (.+) \| `python -m bench --only ([\w-]+)` \|$", re.MULTILINE
)
MEASURED = _ROW.findall((ROOT / "docs/scaling.md").read_text(encoding="utf-8"))


def rounded(value: float, digits: int) -> Decimal:
    return round(Decimal(value), digits)


@pytest.mark.parametrize(("said", "unit", "what", "scenario"), MEASURED)
def test_a_figure_is_one_of_its_scenario_s(said: str, unit: str, what: str, scenario: str):
    number = Decimal(said.replace(",", ""))
    digits = len(said.partition(".")[2])
    figures = RESULTS[scenario]["figures"]

    found = {
        figure["what"]
        for figure in figures
        if figure["unit"] == unit and rounded(figure["ours"], digits) == number
    }

    assert found, f"{said} {unit} ({what}) is none of {scenario}'s figures"


def test_the_page_has_figures():
    assert len(MEASURED) >= 20


def test_none_was_measured_by_a_quick_run():
    assert [name for name in {row[3] for row in MEASURED} if RESULTS[name]["quick"]] == []
