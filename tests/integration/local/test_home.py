"""Ports and secrets: made once, kept, and changed only when they must be."""

import hashlib
import json
import os
import socket
import stat
from pathlib import Path

import pytest

from trigger_contracts.topology import PERMISSIONS
from trigger_local import ports, secrets, state
from trigger_local.errors import AlreadyUpError, PortBusyError
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
