"""The settings page is what the settings classes say."""

import re
from pathlib import Path

from docs import make_settings
from trigger_runtime.process.known_variables import NAMES

ROOT = Path(__file__).parents[3]


def test_the_page_is_up_to_date():
    written = make_settings.PAGE.read_text(encoding="utf-8")
    assert written == make_settings.page(), "run: .venv/bin/python docs/make_settings.py"


def test_every_variable_of_every_service_is_on_the_page():
    page = make_settings.PAGE.read_text(encoding="utf-8")
    for settings in make_settings.SERVICES.values():
        for name in settings.model_fields:
            assert f"`ETP_{name.upper()}`" in page


def test_the_names_that_every_process_knows_are_up_to_date():
    written = make_settings.MODULE.read_text(encoding="utf-8")
    assert written == make_settings.known_variables(), "run: .venv/bin/python docs/make_settings.py"


def test_every_variable_that_anything_reads_is_known():
    """Also those of tests, benches, builds and examples, as their sources name them."""
    read = re.compile(r"""environ(?:\.get\(|\[)["'](ETP_[A-Z_]+)["']""")
    found = {
        name
        for top in ("tests", "bench", "examples", "services", "deploy", "libs", "clients")
        for path in (ROOT / top).rglob("*.py")
        for name in read.findall(path.read_text(encoding="utf-8"))
    }
    assert found >= {"ETP_CHROMIUM", "ETP_TEST_SERVERS"}
    assert found - NAMES == set()
