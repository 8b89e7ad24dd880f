"""All stylesheets of the web UI share one page, whichever of them have been loaded by then."""

import re
from collections import defaultdict

from ui_build.node import UI

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SELECTORS = re.compile(r"([^{}]+)\{")
OWN_LOOK = re.compile(r"\.([\w-]+)(:\S+)?")
"""A class by itself: `.counter`, `.counter:hover`; not `.sheet > .histogram`."""


def classes_of(css: str) -> set[str]:
    found = set()
    for selectors in SELECTORS.findall(COMMENT.sub("", css)):
        for selector in selectors.split(","):
            if match := OWN_LOOK.fullmatch(selector.strip()):
                found.add(match[1])
    return found


def test_no_two_folders_style_one_class() -> None:
    folders = defaultdict(set)
    for sheet in (UI / "src").rglob("*.css"):
        for name in classes_of(sheet.read_text(encoding="utf-8")):
            folders[name].add(sheet.parent.name)
    assert len(folders) > 100, "the stylesheets were not found"
    assert {name: sorted(own) for name, own in folders.items() if len(own) > 1} == {}
