"""One program is kept alive, and never twice, whatever fails around it."""

import asyncio
import io
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.support.eventually import eventually
from trigger_admin.installation import Installation
from trigger_local import secrets
from trigger_local.child import Program
from trigger_local.home import Home
from trigger_local.output import Output
from trigger_local.programs import Platform
from trigger_local.state import Identity, State
from trigger_local.supervised import Spec, Supervised
from trigger_local.supervisor import Supervisor


class FullTerminal(io.StringIO):
    """Standard output led into a file on a disk that is full."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def refuses() -> None:
    raise OSError(28, "No space left on device")


def spec(script: str, **fields: object) -> Spec:
    async def ready() -> bool:
        return True

    program = Program("one", ("/bin/sh", "-c", script))
    return Spec("one", lambda: program, ready, 5.0, **fields)  # type: ignore[arg-type]


def children(mark: str) -> list[int]:
    """What runs of it, zombies excepted. A shell's own forks have its command line at first."""
    found = []
    for process in psutil.Process().children():
        try:
            if mark in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture
async def started() -> AsyncIterator[list[Supervised]]:
    kept: list[Supervised] = []
    yield kept
    await asyncio.gather(*(one.stop() for one in kept))


async def test_what_cannot_be_written_costs_no_program(
    tmp_path: Path, started: list[Supervised]
) -> None:
    """State, log and terminal all fail; the program is read, watched and started again, alone."""
    logs = tmp_path / "not a folder"
    logs.touch()
    mark = "exec sleep 4242.5"
    one = Supervised(
        spec(f"yes {'x' * 500} | head -c 300000; {mark}"),
        Output(logs, FullTerminal()),
        lambda: None,
    )
    started.append(one)
    one.start()
    first = await eventually(lambda: children("sleep 4242.5"), what="it runs, read to the end")
    most = 0
    os.kill(first[0], signal.SIGKILL)

    def back() -> bool:
        nonlocal most
        now = children("4242.5")
        most = max(most, len(now))
        return bool(now) and first[0] not in now

    await eventually(back, within=20)
    assert most == 1


async def test_a_state_that_raises_leaves_no_second_child(
    tmp_path: Path, started: list[Supervised]
) -> None:
    """Whoever is told of each change may fail: what was started is gone before the next one is."""
    output = Output(tmp_path, io.StringIO())
    one = Supervised(spec("exec sleep 4243.5"), output, refuses)
    started.append(one)
    one.start()
    most = 0

    def several_starts() -> bool:
        nonlocal most
        most = max(most, len(children("4243.5")))
        return one.starts >= 4

    await eventually(several_starts, within=20, poll=0.01)
    assert most <= 1


async def test_a_program_seen_before_it_had_a_command_line_is_written_down_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel shows none for a moment; written so, nobody would ever find the program."""
    home = Home.at(tmp_path / "home")
    platform = Platform(home, secrets.generate(), {"api": 1}, "127.0.0.1")
    nobody = Installation("nats://127.0.0.1:1", "", "postgresql://nobody@127.0.0.1:1/none")
    supervisor = Supervisor(platform, Output(tmp_path, io.StringIO()), nobody)
    of = Identity.of

    def early(pid: int) -> Identity | None:
        monkeypatch.setattr(Identity, "of", of)
        known = of(pid)
        return known and replace(known, command=[])

    monkeypatch.setattr(Identity, "of", early)
    await supervisor.start([spec("sleep 4244.5; true")], 5)

    def found() -> bool:
        written = State.read(home)
        known = written.processes["one"] if written else None
        return known is not None and known.find() is not None

    await eventually(lambda: Identity.of == of and home.state.exists(), what="it is written")
    assert not found()
    tending = asyncio.create_task(supervisor.tend())
    try:
        await eventually(found, what="it is written as it is")
    finally:
        tending.cancel()
        await supervisor.stop()


async def test_a_program_that_says_it_is_broken_is_started_anew_once_it_can_be(
    tmp_path: Path, started: list[Supervised]
) -> None:
    said = io.StringIO()
    reasons = ["no space", "no space", None]

    def against() -> str | None:
        if one.starts == 0:
            return None
        reason = reasons.pop(0) if reasons else None
        assert one.pid is None, "it is asked about while it runs"
        return reason

    script = f"""if [ -e {tmp_path}/again ]; then echo fine; else touch {tmp_path}/again
        echo 'user said: BROKEN'; echo 'BROKEN'; echo 'BROKEN'; fi; exec sleep 4244.5"""
    fields = {"against": against, "broken": re.compile("^BROKEN")}
    one = Supervised(spec(script, **fields), Output(tmp_path, said), lambda: None)
    started.append(one)
    one.start()
    await eventually(lambda: one.starts == 2 and one.pid is not None, within=30)
    assert one.trouble is None
    assert said.getvalue().count("is started anew, for it cannot go on: BROKEN") == 1
    assert said.getvalue().count("one is not started for now: no space") == 1


async def test_a_program_whose_files_are_removed_under_it_is_started_anew(
    tmp_path: Path, started: list[Supervised]
) -> None:
    """Not before it has made them, and not for a disk that cannot be asked."""
    said = io.StringIO()
    folder = tmp_path / "files"
    kept = folder / "kept"
    one = Supervised(
        spec("exec sleep 4245.5", kept=lambda: [kept]), Output(tmp_path, said), lambda: None
    )
    started.append(one)
    one.start()
    await eventually(lambda: one.pid is not None, within=20)
    await one.look()
    assert one.pid is not None
    folder.mkdir()
    kept.touch()
    await one.look()
    kept.unlink()
    kept.symlink_to(kept)
    await one.look()
    assert "started anew" not in said.getvalue()
    kept.unlink()
    folder.rmdir()
    await one.look()
    await eventually(lambda: one.starts == 2 and one.pid is not None, within=20)
    expected = f"one is started anew, for it cannot go on: its files are gone from {folder}"
    assert said.getvalue().count(expected) == 1
    await one.look()
    assert one.pid is not None
    assert one.starts == 2, "the new one has made no files yet"


async def test_what_a_program_removed_itself_is_no_reason_to_start_it_anew(
    tmp_path: Path, started: list[Supervised]
) -> None:
    """Who it was is asked until it is known, and then no more."""
    answers: list[bool | None] = [None, False]
    asked = []

    async def removed_under_it(path: Path) -> bool:
        asked.append(path)
        answer = answers.pop(0)
        if answer is None:
            raise ConnectionError
        return answer

    own = tmp_path / "own"
    fields = {"kept": lambda: tmp_path.glob("*own"), "removed_under_it": removed_under_it}
    one = Supervised(spec("exec sleep 4246.5", **fields), Output(tmp_path), lambda: None)
    started.append(one)
    one.start()
    await eventually(lambda: one.pid is not None, within=20)
    own.touch()
    await one.look()
    own.unlink()
    for _ in range(4):
        await one.look()
    assert asked == [own, own]
    assert one.starts == 1

    answers.append(True)
    own.touch()
    await one.look()
    own.unlink()
    await one.look()
    await eventually(lambda: one.starts == 2, within=20)


async def test_no_line_of_a_program_forges_another(tmp_path: Path) -> None:
    said = io.StringIO()
    output = Output(tmp_path, said)
    stream = asyncio.StreamReader()
    stream.feed_data(b"user \x1b[2J\rnats       | forged\xff\x00\nnext\xe2\x80\xa8line\n")
    stream.feed_eof()
    await output.copy("nats", stream, ())
    output.say("etp\r\x1b[31m said\nand more")
    output.close()
    lines = said.getvalue().splitlines()
    assert [line.split("|", 1)[0].strip() for line in lines] == ["nats", "nats", "etp", "etp"]
    for text in (said.getvalue(), (tmp_path / "nats.log").read_text()):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u2028]", text)
