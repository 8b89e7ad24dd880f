"""Start one program as a direct child, and stop it for certain.

Every child leads its own session: a Ctrl-C at the terminal reaches ``etp up`` alone, which then
stops its children in order. On Linux the kernel also stops a child whose parent was killed; where
that does not exist, the next ``etp up`` finds the pids in ``state.json`` and stops them.
Used by the supervisor and by the tests' servers.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1

KILL_WAIT = 5.0
"""Seconds until even SIGKILL is considered to have failed (a child stuck in the kernel)."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, as whom, and how to ask it to stop."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the parent's environment."""
    unset: tuple[str, ...] = ()
    """Prefixes of variables the program must not inherit."""
    user: str | None = None
    """Another user to run as; only root may ask for one."""
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(self.unset)}
        return {**inherited, **self.env}


async def start(program: Program, output: int | IO[bytes]) -> asyncio.subprocess.Process:
    """Start it with stdout and stderr going to ``output`` (a file or ``subprocess.PIPE``)."""
    return await asyncio.create_subprocess_exec(
        *program.argv,
        env=program.environment(),
        cwd=program.cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent(program.stop_signal),
        **identity(program.user),
    )


async def stop(
    process: asyncio.subprocess.Process, stop_signal: signal.Signals, timeout_s: float
) -> bool:
    """Ask it to stop; after ``timeout_s`` seconds, kill its whole session. True if it obeyed."""
    if process.returncode is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(stop_signal)
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
    except TimeoutError:
        kill_session(process.pid)
        await asyncio.wait_for(process.wait(), KILL_WAIT)
        return False
    return True


def kill_session(pid: int) -> None:
    """SIGKILL a child and whatever it started itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def identity(user: str | None) -> dict[str, Any]:
    """Arguments of subprocess that make a child another user, with none of root's groups."""
    if user is None:
        return {}
    import pwd  # noqa: PLC0415 (exists on Unix only)

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Run in the child, after its user was changed (a change of user would clear the setting)."""
    if sys.platform != "linux":
        return None
    # Loaded before the fork: nothing but one system call happens between fork and exec.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel
