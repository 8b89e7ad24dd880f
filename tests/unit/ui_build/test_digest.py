"""When the web UI is built anew."""

import shutil
from pathlib import Path

import pytest

from ui_build.building import digest
from ui_build.node import UI


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return shutil.copytree(UI, tmp_path / "ui", ignore=shutil.ignore_patterns("node_modules"))


@pytest.mark.parametrize(
    "name", ["src/main.tsx", "package-lock.json", "vite.config.ts", "index.html", "package.json"]
)
def test_a_changed_source_makes_another_build(sources: Path, name: str) -> None:
    before = digest(sources)
    with (sources / name).open("a") as file:
        file.write(" ")
    assert digest(sources) != before


def test_a_new_a_renamed_and_a_removed_source_make_another_build(sources: Path) -> None:
    seen = {digest(sources)}
    added = sources / "src" / "added.ts"
    added.write_text("export {}")
    seen.add(digest(sources))
    renamed = added.rename(added.with_name("renamed.ts"))
    seen.add(digest(sources))
    assert len(seen) == 3
    renamed.unlink()
    assert digest(sources) in seen


@pytest.mark.parametrize(
    "name", ["src/time/format.test.ts", "src/.main.tsx.swp", "biome.json", "node_modules/a/b.js"]
)
def test_what_is_not_built_in_makes_no_other_build(sources: Path, name: str) -> None:
    before = digest(sources)
    path = sources / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(" ")
    assert digest(sources) == before
