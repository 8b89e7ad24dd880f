"""Which packages of the web UI are installed, by what is there."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ui_build import node


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """What npm would be told, in a folder of packages that is empty yet."""
    found: list[Sequence[str]] = []
    monkeypatch.setattr(node, "MODULES", tmp_path)
    monkeypatch.setattr(node, "STAMP", tmp_path / ".installed.json")
    monkeypatch.setattr(node, "_bin", lambda: tmp_path)
    monkeypatch.setattr(node, "_run", lambda command, **_: found.append(command))
    return found


def test_a_build_alone_leaves_out_what_only_checks_and_is_done_once(
    commands: list[Sequence[str]],
) -> None:
    node.installed(to_check=False)
    node.installed(to_check=False)
    [command] = commands
    assert "--omit=dev" in command


@pytest.mark.parametrize("noted", [None, {"lock": "of another one", "to_check": True}])
def test_a_build_leaves_the_tools_that_are_there(
    commands: list[Sequence[str]], tmp_path: Path, noted: dict[str, object] | None
) -> None:
    """Of a clone in which npm was run by hand, or whose lock has changed since."""
    (tmp_path / "typescript").mkdir()
    if noted:
        node.STAMP.write_text(json.dumps(noted))
    node.installed(to_check=False)
    node.installed(to_check=True)
    [command] = commands
    assert "--include=dev" in command
