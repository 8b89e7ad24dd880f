"""One class name stands once, so that a search for it finds the one that is meant."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAY_REPEAT = {"Settings", "Clock"}
"""Each service has its own settings; a clock is a port of several."""


TOPS = ("services", "libs", "deploy", "clients")


def trees() -> Iterator[tuple[str, ast.Module]]:
    for top in TOPS:
        for path in (ROOT / top).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield str(path.relative_to(ROOT)), tree


def test_a_class_name_stands_once() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path)
    assert len(found) > 300
    assert {paths[0].partition("/")[0] for paths in found.values()} == set(TOPS)
    assert {
        name: paths for name, paths in found.items() if len(paths) > 1 and name not in MAY_REPEAT
    } == {}


def test_a_docstring_says_itself_what_is_meant() -> None:
    """Whoever hovers over a name sees its own docstring, and not the module's or the port's."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    sends_on = [
        f"{path}: {node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, kinds)
        and (told := ast.get_docstring(node)) is not None
        and (told.startswith("See ") or "see the module" in told.lower())
    ]
    assert sends_on == []
