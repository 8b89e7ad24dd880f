"""The component backup: what its pods are told, and what their commands do with the volume."""

import os
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from deploy.kubernetes import make_secrets
from tests.kubernetes.manifests import Workload, environment, manifests, of_kind, workloads
from tests.kubernetes.test_pods import secret_folders
from trigger_admin.cli import app
from trigger_admin.settings import ServersSettings
from trigger_runtime.process.environment import PREFIX, Names

OVERLAY = "production"
A_YEAR_S = 365 * 24 * 3600

both = pytest.mark.parametrize("name", ["backup", "restore"])


def workload(name: str) -> Workload:
    [one] = [w for w in workloads(manifests(OVERLAY)) if w.service == name]
    return one


class Volume:
    """A folder in the place of /backups, and an ``etp`` that says what it was called with."""

    def __init__(self, folder: Path) -> None:
        self.backups = folder / "backups"
        self.backups.mkdir()
        self._folder = folder
        self.etp("true")

    def etp(self, then: str) -> None:
        """``then`` it does, in a shell's words."""
        program = self._folder / "etp"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {self._folder}/called\n{then}\n')
        program.chmod(0o755)

    def run(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        one = workload(name)
        shell, option, script = one.container["command"]
        told = {
            key: value
            for key, value in environment(one, manifests(OVERLAY)).items()
            if not key.startswith(PREFIX)
        }
        path = f"{self._folder}:{os.environ['PATH']}"
        return subprocess.run(
            [shell, option, script.replace("/backups", str(self.backups))],
            env={**told, "PATH": path, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def called(self) -> list[str]:
        return (self._folder / "called").read_text().splitlines()

    def kept(self, name: str, *, whole: bool = True, old: bool = False) -> Path:
        folder = self.backups / name
        folder.mkdir()
        if whole:
            (folder / "backup.json").touch()
        if old:
            then = folder.stat().st_mtime - A_YEAR_S
            os.utime(folder, (then, then))
        return folder


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def parsed(called: list[str]) -> dict[str, object]:
    """As the program itself understands its arguments."""
    name, *arguments = called
    command = get_command(app).commands[name]
    return command.make_context(name, arguments).params


@both
def test_its_variables_are_the_commands_settings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = workload(name)
    made, _ = make_secrets.make(None)
    fields = ServersSettings.model_fields.items()
    known = {variable for field, info in fields for variable in Names.of(field, info).all}
    given = {
        variable: value
        for variable, value in environment(one, manifests(OVERLAY)).items()
        if variable.startswith(PREFIX)
    }
    assert given.keys() <= known
    for variable, value in given.items():
        assert value is not None
        told = value
        if variable.endswith("_FILE"):
            path = Path(value)
            held = tmp_path / path.name
            held.write_text(made[secret_folders(one)[str(path.parent)]][path.name])
            told = str(held)
        monkeypatch.setenv(variable, told)
    settings = ServersSettings()
    assert (settings.nats_url, settings.nats_user) == ("nats://etp-nats:4222", "admin")
    assert settings.nats_password.get_secret_value() == made["etp-admin"]["nats-password"]
    assert settings.database_url.get_secret_value() == made["etp-admin"]["database-url"]


def test_both_have_the_volume_that_the_component_makes() -> None:
    claims = of_kind(manifests(OVERLAY), "PersistentVolumeClaim")
    for name in ("backup", "restore"):
        [volume] = [v for v in workload(name).pod["volumes"] if "persistentVolumeClaim" in v]
        assert volume["persistentVolumeClaim"]["claimName"] in claims
        [mount] = [
            mount
            for mount in workload(name).container["volumeMounts"]
            if mount["name"] == volume["name"]
        ]
        assert mount["mountPath"] == "/backups"


def test_a_restore_happens_when_somebody_asks_and_once() -> None:
    assert workload("restore").manifest["spec"]["suspend"] is True
    assert workload("restore").manifest["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert "suspend" not in workload("backup").manifest["spec"]


def test_a_backup_is_a_new_folder_and_old_ones_go(volume: Volume) -> None:
    old = volume.kept("2020-01-01T001700", old=True)
    young = volume.kept("2020-01-02T001700")
    others = volume.kept("lost+found", whole=False, old=True)
    done = volume.run("backup")
    assert done.returncode == 0, done.stderr
    folder = parsed(volume.called())["folder"]
    assert isinstance(folder, Path)
    assert folder.parent == volume.backups
    assert folder.name > young.name
    assert not old.exists()
    assert young.exists()
    assert others.exists()


def test_where_no_backup_is_made_none_goes(volume: Volume) -> None:
    old = volume.kept("2020-01-01T001700", old=True)
    volume.etp("exit 3")
    assert volume.run("backup").returncode == 3
    assert old.exists()


def test_a_restore_is_of_the_newest_whole_backup(volume: Volume) -> None:
    volume.kept("2020-01-01T001700")
    newest = volume.kept("2020-01-02T001700")
    volume.kept("2020-01-03T001700", whole=False)
    assert newest.name in volume.run("restore").stdout
    given = parsed(volume.called())
    nodes = of_kind(manifests(OVERLAY), "StatefulSet")["etp-nats"]["spec"]["replicas"]
    assert (given["folder"], given["replicas"]) == (Path(newest.name), nodes)
    assert given["replace"] is False


def test_a_restore_can_be_told_which_and_how(volume: Volume) -> None:
    volume.kept("2020-01-01T001700")
    volume.kept("2020-01-02T001700")
    asked = {"FOLDER": "2020-01-01T001700", "OPTIONS": "--replicas 3 --replace"}
    assert volume.run("restore", **asked).returncode == 0
    given = parsed(volume.called())
    assert (given["folder"], given["replace"]) == (Path("2020-01-01T001700"), True)


def test_without_a_whole_backup_a_restore_says_so(volume: Volume) -> None:
    volume.kept("2020-01-03T001700", whole=False)
    done = volume.run("restore")
    assert (done.returncode, done.stdout) == (1, f"No backup in {volume.backups} is whole.\n")
