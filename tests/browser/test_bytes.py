"""What a browser has to load: bytes are exact, so they are asserted, where times are published."""

import gzip
import json
import re
from collections.abc import Iterable
from functools import cache

import pytest

from ui_build.building import BUILT
from ui_build.node import UI

KB = 1000
FIRST, ROUTE, OVERLAY, EDITOR, FONTS = 143 * KB, 45 * KB, 50 * KB, 105 * KB, 80 * KB
ENTRY = "index.html"
ROUTES = re.compile(r"lazily\(\(\) => import\('\.\./(screens/[^']+)'")
"""What App.tsx loads for an address."""


@pytest.fixture
def manifest(built_ui: None) -> dict[str, dict]:
    return json.loads((BUILT / ".vite" / "manifest.json").read_text(encoding="utf-8"))


def loaded_with(manifest: dict[str, dict], entry: str) -> set[str]:
    """The scripts and styles that a module brings along at once."""
    seen, waiting = set(), [entry]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += manifest[name].get("imports", ())
    return {
        file for name in seen for file in (manifest[name]["file"], *manifest[name].get("css", ()))
    }


def there_before(manifest: dict[str, dict], entry: str) -> set[str]:
    """What is loaded wherever a module is asked for: the screen that an overlay opens over."""
    openers = [
        loaded_with(manifest, name)
        for name, chunk in manifest.items()
        if entry in chunk.get("dynamicImports", ())
    ]
    return set.intersection(*openers) if openers else set()


@cache
def zipped(file: str) -> int:
    return len(gzip.compress((BUILT / file).read_bytes(), 6))


def bytes_of(files: Iterable[str]) -> int:
    return sum(map(zipped, files))


async def test_the_first_load_each_route_and_the_fonts_keep_their_budgets(
    manifest: dict[str, dict],
) -> None:
    first = loaded_with(manifest, ENTRY)
    further = {
        name: bytes_of(loaded_with(manifest, name) - first - there_before(manifest, name))
        for name, chunk in manifest.items()
        if chunk.get("isDynamicEntry")
    }
    app = (UI / "src" / "app" / "App.tsx").read_text(encoding="utf-8")
    routes = {f"src/{name}.tsx" for name in ROUTES.findall(app)}
    editor = {name for name in further if name.endswith("/JsonEditor.tsx")}
    assert len(editor) == 1, "the editor is loaded apart from all else"
    assert len(routes) > 5
    assert routes <= further.keys(), "the screens are loaded one by one"
    fonts = [chunk["file"] for chunk in manifest.values() if chunk["file"].endswith(".woff2")]
    print(f"first load {bytes_of(first)}, fonts", sum((BUILT / f).stat().st_size for f in fonts))
    print(*sorted(further.items()), sep="\n")
    assert bytes_of(first) <= FIRST
    overlays = further.keys() - routes - editor
    most = {**dict.fromkeys(routes, ROUTE), **dict.fromkeys(overlays, OVERLAY)}
    most |= dict.fromkeys(editor, EDITOR)
    assert {name: size for name, size in further.items() if size > most[name]} == {}
    assert 0 < sum((BUILT / file).stat().st_size for file in fonts) <= FONTS
