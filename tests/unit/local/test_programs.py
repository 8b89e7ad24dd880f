"""What the programs of one machine are told, whatever is set around them."""

from pathlib import Path

import pytest

from trigger_contracts.subjects import Service
from trigger_contracts.targets.sealing import public_of
from trigger_local import ports, programs
from trigger_local.home import Home
from trigger_local.programs import Platform, Replicas
from trigger_local.secrets import generate


def test_services_take_neither_servers_nor_ports_from_around_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "ETP_NATS_CREDS_FILE": "/somebody/elses",
        "ETP_OPERATIONS_HOST": "0.0.0.0",
        "ETP_OPERATIONS_PORT": "8081",
        "ETP_EXECUTOR_ROLES": "record,deliver",
        "ETP_SEALING_KEYS_FILE": "/somebody/elses",
        "ETP_SEALING_PUBLIC_KEY": "somebody else's",
        "ETP_LOG_LEVEL": "debug",
    }.items():
        monkeypatch.setenv(name, value)
    names = [name for name, _ in Replicas().names()]
    numbers = {name: 20000 + n for n, name in enumerate(("nats", "postgres", *names))}
    known = generate()
    platform = Platform(Home(Path("/nowhere")), known, numbers, ports.LOOPBACK)
    sealing: dict[str, dict[str, str]] = {}
    roles: dict[str, str | None] = {}
    for spec in programs.services(platform, Replicas()):
        told = spec.prepare().environment()
        assert told["ETP_HTTP_PORT"] == str(numbers[spec.name])
        kind = "executor" if spec.name == "deliver" else spec.name
        assert told["ETP_NATS_USER"] == Service(kind).value
        assert ("ETP_DATABASE_URL" in told) == (spec.name != "executor")
        roles[spec.name] = told.get("ETP_EXECUTOR_ROLES")
        assert told["ETP_LOG_LEVEL"] == "debug"
        assert not [name for name in told if name.startswith(("ETP_OPERATIONS_", "ETP_NATS_CREDS"))]
        sealing[spec.name] = {name: told[name] for name in told if name.startswith("ETP_SEALING_")}
    assert {name: found for name, found in sealing.items() if found} == {
        "api": {"ETP_SEALING_PUBLIC_KEY": public_of(known.sealing[0])},
        "deliver": {"ETP_SEALING_KEYS": known.sealing[0]},
    }
    assert {name: role for name, role in roles.items() if role} == {
        "executor": "record",
        "deliver": "deliver",
    }


def test_processes_are_named_by_what_they_do() -> None:
    names = [name for name, _ in Replicas(executor=2, deliver=2).names()]
    assert names == [
        *("api", "scheduler", "executor", "executor-2", "deliver", "deliver-2", "retention"),
    ]
