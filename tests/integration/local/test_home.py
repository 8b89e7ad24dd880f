"""Ports and secrets: made once, kept, and changed only when they must be."""

import hashlib
import json
import os
import socket
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.support.eventually import eventually
from trigger_admin import broker_health
from trigger_contracts.targets.sealing import public_of
from trigger_contracts.topology import PERMISSIONS
from trigger_local import nats as nats_server
from trigger_local import ports, postgres, secrets, space, state, status
from trigger_local.errors import (
    AlreadyUpError,
    LocalError,
    NotUpError,
    PortBusyError,
    UnreadableError,
)
from trigger_local.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def test_ports_are_kept(home: Home) -> None:
    gateway = ports.choose_free(set())
    first = ports.assign(home, ("nats", "postgres"), gateway=gateway, host=ports.LOOPBACK)
    again = ports.assign(home, ("nats", "postgres"), gateway=gateway, host=ports.LOOPBACK)
    assert again.by_name == first.by_name
    assert len({gateway, *first.by_name.values()}) == 3
    assert again.notices == []


def test_a_kept_port_that_another_took_is_chosen_anew_and_said(home: Home) -> None:
    gateway = ports.choose_free(set())
    first = ports.assign(home, ("nats", "postgres"), gateway=gateway, host=ports.LOOPBACK)
    with socket.create_server((ports.LOOPBACK, first.by_name["nats"])):
        again = ports.assign(home, ("nats", "postgres"), gateway=gateway, host=ports.LOOPBACK)
    assert again.by_name["nats"] != first.by_name["nats"]
    assert again.by_name["postgres"] == first.by_name["postgres"]
    taken, chosen = first.by_name["nats"], again.by_name["nats"]
    (notice,) = again.notices
    assert notice == (f"Port {taken} of nats is in use by another program. It moves to {chosen}.")


def test_a_busy_gateway_port_is_an_error(home: Home) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"Port {port} .* --port"):
            ports.assign(home, ("nats",), gateway=port, host=ports.LOOPBACK)


def test_secrets_are_made_once(home: Home) -> None:
    made = secrets.load_or_create(home)
    assert secrets.load_or_create(home) == made
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600
    assert made.nats.keys() == {str(user) for user in PERMISSIONS}
    assert len({*made.nats.values(), *made.postgres.values()}) == len(made.nats) + len(
        made.postgres
    )


def test_a_new_user_gets_a_password_beside_the_kept_ones(home: Home) -> None:
    made = secrets.load_or_create(home)
    kept = json.loads(home.secrets.read_text())
    del kept["nats"]["reader"]
    home.secrets.write_text(json.dumps(kept))
    again = secrets.load_or_create(home)
    assert again.nats["reader"] != made.nats["reader"]
    assert {**again.nats, "reader": ""} == {**made.nats, "reader": ""}
    assert again.api_key == made.api_key


def test_a_directory_of_before_gets_a_key_to_seal_to(home: Home) -> None:
    made = secrets.load_or_create(home)
    kept = json.loads(home.secrets.read_text())
    del kept["sealing"]
    home.secrets.write_text(json.dumps(kept))
    again = secrets.load_or_create(home)
    assert again.sealing != made.sealing
    assert secrets.load_or_create(home) == again
    assert replace(again, sealing=made.sealing) == made


def test_a_new_key_to_seal_to_is_the_first_and_the_others_stay_until_they_are_dropped(
    home: Home,
) -> None:
    made = secrets.load_or_create(home)
    added = secrets.add_sealing_key(home)
    assert added.sealing[1:] == made.sealing
    assert added.sealing_public_key == public_of(added.sealing[0]) != made.sealing_public_key
    assert secrets.load_or_create(home) == added
    dropped = secrets.drop_old_sealing_keys(home)
    assert dropped.sealing == added.sealing[:1]
    assert secrets.load_or_create(home) == dropped
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600
    assert added.sealing[0] not in repr(added)


@pytest.mark.parametrize("spoilt", [["short"], "text", [7], {"a": 1}])
def test_keys_that_are_none_are_never_made_anew(home: Home, spoilt: object) -> None:
    """What is sealed to the lost ones would open no more."""
    secrets.load_or_create(home)
    kept = json.loads(home.secrets.read_text())
    home.secrets.write_text(json.dumps({**kept, "sealing": spoilt}))
    with pytest.raises(UnreadableError, match="Bring it back from a backup"):
        secrets.load_or_create(home)


def test_the_key_hash_is_of_the_secret_part() -> None:
    made = secrets.generate()
    key_id, secret = made.api_key.removeprefix("etp_").split(".", 1)
    assert made.api_key_hash == f"{key_id}:{hashlib.sha256(secret.encode()).hexdigest()}"
    assert len(key_id) >= 8
    assert len(secret) >= 32


def test_one_home_is_held_once(home: Home) -> None:
    with (
        state.exclusive(home),
        pytest.raises(AlreadyUpError, match=str(home.root)),
        state.exclusive(home),
    ):
        pass
    with state.exclusive(home):
        pass


def test_a_stranger_with_a_remembered_pid_is_left_alone() -> None:
    me = state.Identity.of(os.getpid())
    assert me is not None
    assert me.find() is not None
    assert state.Identity(me.pid, me.started - 60, me.command).find() is None
    assert state.Identity(me.pid, me.started, ["other"]).find() is None


async def sleeping() -> "subprocess.Popen[bytes]":
    """Once its command line is that of the program, and no longer none."""
    command = ["sleep", "600"]
    one = subprocess.Popen(command, start_new_session=True)  # noqa: ASYNC220 (it is at once)
    await eventually(lambda: psutil.Process(one.pid).cmdline() == command)
    return one


@pytest.mark.parametrize("written_by", ["this release", "an earlier one"])
async def test_what_a_living_supervisor_watches_is_no_leftover_of_anybody(
    home: Home, tmp_path: Path, written_by: str
) -> None:
    """Neither of a copy of its directory, nor of its own once the lock was removed."""
    supervisor, service = await sleeping(), await sleeping()
    try:
        written = state.State(
            url="http://127.0.0.1:1",
            ports={},
            supervisor=state.Identity.of(supervisor.pid),
            processes={"scheduler": state.Identity.of(service.pid)},
        )
        written.write(home)
        has_root = written_by == "this release"
        if not has_root:
            kept = json.loads(home.state.read_text())
            del kept["root"]
            home.state.write_text(json.dumps(kept))
        copy = Home.at(tmp_path / "copy")
        secrets.load_or_create(copy)
        copy.state.write_bytes(home.state.read_bytes())

        with pytest.raises(AlreadyUpError, match=rf"{home.root} .*{supervisor.pid}"):
            state.stop_leftovers(home)
        if has_root:
            with pytest.raises(NotUpError, match="copy"):
                await status.read(copy)
            (notice,) = state.stop_leftovers(copy)
            assert str(home.root) in notice
            assert not copy.state.exists()
        else:
            with pytest.raises(AlreadyUpError):
                state.stop_leftovers(copy)
        assert service.poll() is None

        supervisor.kill()
        supervisor.wait()
        copy.state.write_bytes(home.state.read_bytes())
        stopped = state.stop_leftovers(copy)
        assert [f"pid {service.pid}" in notice for notice in stopped] == [True]
        assert not psutil.pid_exists(service.pid)
    finally:
        for one in (supervisor, service):
            one.kill()
            one.wait()


@pytest.mark.parametrize("kind", ["home", "only hidden", "a file"])
def test_a_directory_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    theirs = tmp_path / "theirs"
    if kind == "a file":
        theirs.write_text("mine")
    else:
        theirs.mkdir(mode=0o755)
        (theirs / ("notes.txt" if kind == "home" else ".bashrc")).write_text("mine")
    theirs.chmod(0o755)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LocalError, match=r"is not a data directory .* --data-dir"):
        Home.at(theirs)
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o755
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["new", "empty", "disk"])
def test_a_new_or_empty_directory_becomes_ours(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    if name != "new":
        root.mkdir()
    if name == "disk":
        (root / "lost+found").mkdir()
    assert not Home(root).is_ours()
    made = Home.at(root)
    assert made.is_ours()
    assert Home.at(root) == made


def test_a_directory_of_an_earlier_release_is_ours(home: Home) -> None:
    secrets.load_or_create(home)
    with state.exclusive(home):
        pass
    home.mark.unlink()
    assert Home.at(home.root).is_ours()
    assert home.mark.exists()


def test_a_directory_of_a_newer_version_gets_a_sentence(home: Home) -> None:
    home.mark.write_text('{"state_version": 2}')
    with pytest.raises(LocalError, match=r"newer version of the platform .state version 2"):
        Home.at(home.root)


BROKEN = ["", "{", "[]", "null", "7", '"text"', "{}", '{"nats": "1"}', "\x00", "[" * 100_000]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_state_files_get_a_sentence(home: Home, text: str) -> None:
    """Secrets cannot be guessed; ports and what runs are found anew."""
    for path in (home.secrets, home.ports, home.state, home.mark):
        path.write_text(text)
    with pytest.raises(LocalError, match=r"secrets\.json is broken: .* backup"):
        secrets.load(home)
    with pytest.raises(LocalError, match=r"etp\.json is broken"):
        Home.at(home.root)
    assert state.State.read(home) is None
    assert state.stop_leftovers(home) == []
    chosen = ports.assign(home, ("nats",), gateway=ports.choose_free(set()), host=ports.LOOPBACK)
    assert chosen.by_name["nats"] in ports.CHOICE
    assert len(chosen.notices) == (text != "{}")


@pytest.mark.parametrize("kept", [{"nats": "x"}, {"nats": 0}, {"nats": 70_000}, {"nats": True}])
def test_ports_that_are_none_are_chosen_anew(home: Home, kept: dict[str, object]) -> None:
    home.ports.write_text(json.dumps(kept))
    chosen = ports.assign(home, ("nats",), gateway=ports.choose_free(set()), host=ports.LOOPBACK)
    assert chosen.by_name["nats"] in ports.CHOICE
    assert "chosen anew" in chosen.notices[0]


def test_an_address_that_is_not_this_machines_is_named_with_its_flag(home: Home) -> None:
    for host in ("192.0.2.1", "no such host", "x" * 300):
        with pytest.raises(LocalError, match="--host"):
            ports.assign(home, ("nats",), gateway=ports.choose_free(set()), host=host)


def test_a_store_of_another_version_gets_a_sentence(home: Home) -> None:
    nats_server.program(home.nats, secrets.generate().nats, port=1)
    nats_server.check_version(home.nats)
    (home.nats / nats_server.VERSION_FILE).write_text("99.1.0")
    with pytest.raises(LocalError, match=r"nats-server 99\.1\.0, and this is"):
        nats_server.check_version(home.nats)
    home.postgres.mkdir()
    (home.postgres / "PG_VERSION").write_text("17\n")
    with pytest.raises(LocalError, match=r"PostgreSQL 17, and this is PostgreSQL 18.*move it away"):
        postgres.prepare(home.postgres, "secret")


def test_a_disk_that_takes_nothing_is_told_with_its_reason(home: Home, tmp_path: Path) -> None:
    assert space.reason_against(home.nats, 4096) is None
    assert not list(home.nats.iterdir())
    (tmp_path / "file").touch()
    told = space.reason_against(tmp_path / "file" / "below")
    assert told is not None
    assert "cannot be written to" in told


def test_a_broker_that_cannot_store_is_known_by_its_own_words_alone() -> None:
    def broken(text: str) -> bool:
        return broker_health.LOGGED.search(text) is not None

    said = "[12] 2026/11/29 11:42:02.578841 [ERR] "
    assert broken(f"{said}Filestore [TRIGGER_DUE] Critical write error: no space left on device")
    assert broken(f"{said}JetStream stream '$G > TRIGGER_DUE' critical write error: any")
    assert broken(f"{said}JetStream consumer '$G > TRIGGER_DUE > x' critical write error: any")
    forged = "Filestore [X] Critical write error"
    assert not broken(f'{said}127.0.0.1:1 - cid:7 - authentication error - User "{forged}"')
    assert not broken(f'{said}127.0.0.1:1 - cid:8 - "a\\n{said}{forged}" - "$G" - closed')
