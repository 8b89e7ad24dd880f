"""The web UI is built by a command: once, as a whole, and never in anybody's way."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from ui_build import building
from ui_build.node import MODULES, REQUIREMENTS, ROOT, UI


@dataclass
class Checkout:
    """A copy of what a build needs; Node and its packages are the real ones."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def ui(self) -> Path:
        return self.root / UI.relative_to(ROOT)

    @property
    def built(self) -> Path:
        return self.root / building.BUILT.relative_to(ROOT)

    async def build(self, *options: str) -> tuple[int, str]:
        """Exit code, and what was said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ui_build", "build", *options),
            cwd=self.ui.parent,
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 200)
        assert process.returncode is not None
        return process.returncode, said.decode()

    def break_source(self) -> None:
        (self.ui / "src" / "main.tsx").write_text("import './nowhere'")

    def files(self) -> Mapping[str, bytes]:
        return {
            path.relative_to(self.built).as_posix(): path.read_bytes()
            for path in self.built.rglob("*")
            if path.is_file()
        }

    def left_over(self) -> list[Path]:
        return list(self.built.parent.glob(".built_ui.*"))


@pytest.fixture(scope="module")
def packages() -> None:
    """Those of the checkout, which every copy shares."""
    building.build(print)


@pytest.fixture
def checkout(packages: None, tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "checkout")
    shutil.copytree(UI, made.ui, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(UI.with_name("ui_build"), made.ui.with_name("ui_build"))
    made.built.parent.mkdir()
    requirements = made.root / REQUIREMENTS.relative_to(ROOT)
    requirements.parent.mkdir()
    shutil.copyfile(REQUIREMENTS, requirements)
    (made.ui / MODULES.name).symlink_to(MODULES)
    # No Node of the machine can be used where none is found, and none that is broken matters.
    broken = made.root / "bin"
    broken.mkdir()
    for name in ("node", "npm", "npx"):
        (broken / name).write_text("#!/bin/sh\nexit 99\n")
        (broken / name).chmod(0o755)
    made.environment = {"PATH": f"{broken}:{os.environ['PATH']}", "NODE_OPTIONS": "--nonsense"}
    return made


async def test_a_build_is_made_once_and_again_when_a_source_changed(checkout: Checkout) -> None:
    """With the Node of the wheel alone: the machine's own is broken."""
    code, said = await checkout.build()
    assert code == 0, said
    assert len(said.splitlines()) == 2
    first = checkout.files()
    assert "index.html" in first
    assert await checkout.build() == (0, "")

    page = checkout.ui / "index.html"
    page.write_text(page.read_text().replace("<title>", "<title>Another "))
    code, said = await checkout.build()
    assert code == 0, said
    assert "<title>Another " in (checkout.built / "index.html").read_text()

    (checkout.built / "index.html").unlink()
    assert (await checkout.build())[0] == 0
    assert (checkout.built / "index.html").is_file()
    assert checkout.left_over() == []


async def test_a_build_that_fails_leaves_the_last_one_and_the_platform_starts(
    checkout: Checkout,
) -> None:
    assert (await checkout.build())[0] == 0
    before = checkout.files()
    checkout.break_source()
    code, said = await checkout.build("--or-go-on")
    assert code == 0
    assert len(said.splitlines()) == 2
    assert "vite could not build the web UI" in said
    assert "make ui" in said
    assert checkout.files() == before

    code, said = await checkout.build()
    assert code == 1
    assert "nowhere" in said
    assert checkout.files() == before
    assert checkout.left_over() == []


async def test_two_builds_at_once_make_one(checkout: Checkout) -> None:
    results = await asyncio.gather(checkout.build(), checkout.build())
    assert [code for code, _ in results] == [0, 0]
    assert sorted(bool(said) for _, said in results) == [False, True]
    assert (checkout.built / "index.html").is_file()
    assert checkout.left_over() == []


async def test_what_a_killed_build_left_is_removed_by_the_next_one(checkout: Checkout) -> None:
    left = checkout.built.with_name(".built_ui.killed")
    left.mkdir()
    (left / "index.html").write_text("half a page")
    assert (await checkout.build())[0] == 0
    assert checkout.left_over() == []


async def test_without_a_registry_it_says_so_and_the_platform_starts(checkout: Checkout) -> None:
    (checkout.ui / MODULES.name).unlink()
    checkout.environment |= {
        "npm_config_registry": "http://127.0.0.1:1/",
        "npm_config_cache": str(checkout.root / "no-cache"),
        "npm_config_fetch_retries": "0",
    }
    code, said = await checkout.build("--or-go-on")
    assert code == 0
    assert "npm could not install the packages of the web UI" in said
    assert not checkout.built.exists()


async def test_a_folder_that_cannot_be_written_is_said_and_the_platform_starts(
    checkout: Checkout,
) -> None:
    checkout.built.parent.rmdir()
    checkout.built.parent.write_text("a file where a folder should be")
    code, said = await checkout.build("--or-go-on")
    assert code == 0
    assert "The web UI is not built anew" in said


async def test_a_build_that_waits_for_another_one_ends_with_it(checkout: Checkout) -> None:
    """Killed in the midst, a build hands on its turn."""
    first = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ui_build", "build"),
        cwd=checkout.ui.parent,
        env={**os.environ, **checkout.environment},
        stdout=asyncio.subprocess.DEVNULL,
    )
    await eventually(checkout.left_over, within=60, what="the first one builds")
    second = asyncio.create_task(checkout.build())
    first.kill()
    await first.wait()
    assert (await second)[0] == 0
    assert (checkout.built / "index.html").is_file()
