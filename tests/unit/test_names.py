"""One class name stands once, so that a search for it finds the one that is meant."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAY_REPEAT = {"Settings", "Clock"}
"""Each service has its own settings; a clock is a port of several."""


def test_a_class_name_stands_once():
    found: dict[str, list[str]] = defaultdict(list)
    for top in ("services", "libs", "deploy", "clients"):
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(ROOT)))
    assert len(found) > 300
    assert {
        name: paths for name, paths in found.items() if len(paths) > 1 and name not in MAY_REPEAT
    } == {}
