"""``etp up`` with stand-ins for the services: what starts, comes back, and is gone afterwards."""

import os
import signal
import socket
import stat

import asyncpg
import nats
import psutil
import pytest

from tests.integration.local.conftest import Etp
from tests.support.eventually import eventually
from trigger_contracts import subjects

pytestmark = pytest.mark.embedded("etp up starts servers of its own")

NAMES = {"nats", "postgres", "api", "scheduler", "executor", "deliver", "retention"}


def alive(pids: dict[str, int]) -> list[str]:
    return [name for name, pid in pids.items() if psutil.pid_exists(pid)]


async def test_status_tells_how_to_reach_everything(new_etp: Etp) -> None:
    """Each address in ``etp status --json`` works as it is printed."""
    await new_etp.up()
    status = await new_etp.status()
    assert status["url"] == f"http://127.0.0.1:{new_etp.port}"
    assert status["pids"].keys() == NAMES
    assert status["processes"].keys() == NAMES
    client = await nats.connect(
        status["nats_url"], inbox_prefix=status["nats_users"]["client"]["inbox_prefix"]
    )
    ack = await client.jetstream().publish(subjects.command(subjects.Verb.FIRE), b"{}")
    assert ack.seq == 1
    await client.close()
    connection = await asyncpg.connect(status["database_url"])
    assert await connection.fetchval("SELECT current_database()") == "etp"
    await connection.close()


async def test_ctrl_c_drains_and_leaves_no_process(etp: Etp) -> None:
    status = await etp.up("--scheduler-replicas", "2")
    assert status["pids"].keys() == NAMES | {"scheduler-2"}
    assert await etp.down(signal.SIGINT) == 0
    assert alive(status["pids"]) == []
    assert (etp.root / "logs" / "scheduler.log").read_text().endswith("drained\n")
    code, printed = await etp.call("status", "--data-dir", str(etp.root))
    assert code == 1
    assert "Nothing runs" in printed


async def test_everything_is_kept_and_reused(new_etp: Etp) -> None:
    """The second start has the same key, ports and messages as the first."""
    first = await new_etp.up()
    client = await nats.connect(first["nats_url"], inbox_prefix=b"_INBOX_client")
    fire = subjects.command(subjects.Verb.FIRE)
    assert (await client.jetstream().publish(fire, b"{}")).seq == 1
    await client.close()
    await new_etp.down()
    second = await new_etp.up()
    for same in ("url", "api_key", "nats_url", "nats_users", "database_url"):
        assert second[same] == first[same]
    client = await nats.connect(second["nats_url"], inbox_prefix=b"_INBOX_client")
    assert (await client.jetstream().publish(fire, b"{}")).seq == 2
    await client.close()


@pytest.mark.parametrize("name", ["scheduler", "nats", "postgres"])
async def test_a_killed_program_comes_back_by_itself(etp: Etp, name: str) -> None:
    status = await etp.up()
    killed = {name: status["pids"][name]}
    os.kill(killed[name], signal.SIGKILL)
    again = await etp.until_ready(without=killed)
    others = NAMES - {name}
    assert {n: again["pids"][n] for n in others} == {n: status["pids"][n] for n in others}


async def test_everything_killed_at_once_comes_back(etp: Etp) -> None:
    status = await etp.up()
    for pid in status["pids"].values():
        os.kill(pid, signal.SIGKILL)
    again = await etp.until_ready(without=status["pids"])
    assert again["pids"].keys() == NAMES


async def test_a_killed_supervisor_is_recovered_from(etp: Etp) -> None:
    """Whatever it left is stopped, and the next start works, with the data of before."""
    status = await etp.up()
    connection = await asyncpg.connect(status["database_url"])
    await connection.execute("CREATE TABLE public.kept (n int)")
    await etp.down(signal.SIGKILL)
    again = await etp.up()
    assert again["pids"].keys() == NAMES
    assert await eventually(lambda: not alive(status["pids"]))
    connection = await asyncpg.connect(again["database_url"])
    assert await connection.fetchval("SELECT count(*) FROM public.kept") == 0
    await connection.close()


async def test_processes_stopped_in_their_tracks_are_recovered_from(etp: Etp) -> None:
    """A killed supervisor whose children hang (SIGSTOP) does not block the next start."""
    status = await etp.up()
    for name in ("scheduler", "postgres"):
        os.kill(status["pids"][name], signal.SIGSTOP)
    await etp.down(signal.SIGKILL)
    await etp.up()
    assert alive(status["pids"]) == []


async def test_a_second_up_on_the_same_directory_is_refused(etp: Etp) -> None:
    status = await etp.up()
    code, printed = await etp.call("up", "--data-dir", str(etp.root), "--port", "1")
    assert code == 1
    assert str(etp.root) in printed
    assert str(status["supervisor"]["pid"]) in printed
    assert (await etp.status())["pids"] == status["pids"]


async def test_a_busy_port_is_named_with_its_flag(new_etp: Etp) -> None:
    with socket.create_server(("127.0.0.1", new_etp.port)):
        code, printed = await new_etp.call(
            "up", "--data-dir", str(new_etp.root), "--port", str(new_etp.port)
        )
    assert code == 1
    assert f"Port {new_etp.port}" in printed
    assert "--port" in printed


async def test_secrets_are_for_the_owner_alone(new_etp: Etp) -> None:
    """No kept secret may be read by others, and services get no key but its hash."""
    status = await new_etp.up()
    key = status["api_key"]
    for path in new_etp.root.rglob("*"):
        if path.is_file() and path.name != "lock":
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0 or not path.parent.stat().st_mode & 0o007, path
    for name in ("secrets.json", "state.json", "ports.json", "nats/nats.conf"):
        assert stat.S_IMODE((new_etp.root / name).stat().st_mode) == 0o600
    for name in ("api", "scheduler", "executor", "retention"):
        environment = psutil.Process(status["pids"][name]).environ()
        assert not [k for k, v in environment.items() if key.split(".")[1] in v]
    assert "ETP_BOOTSTRAP_KEY_HASH" in psutil.Process(status["pids"]["api"]).environ()


async def test_a_program_that_cannot_start_ends_it_all(etp: Etp) -> None:
    """The failure is named, with its log, and nothing stays behind."""
    await etp.up()
    await etp.down()
    (etp.root / "postgres" / "global" / "pg_control").write_bytes(b"")
    await etp.begin()
    assert etp.process is not None
    assert await etp.process.wait() == 1
    printed = etp.printed.read_text()
    assert "postgres ended with exit code" in printed
    assert str(etp.root / "logs" / "postgres.log") in printed
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(etp.root) in str(p.info)]
