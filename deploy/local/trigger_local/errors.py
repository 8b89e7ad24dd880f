"""What may go wrong when the platform is started; each message says what to do about it."""

from trigger_runtime.process.command_line import ExplainedError


class LocalError(ExplainedError):
    """The platform cannot be started as asked."""


class NotInstalledError(LocalError):
    def __init__(self, module: str) -> None:
        super().__init__(
            f"A platform on this machine needs the extra `local`, and {module} is not installed: "
            "pip install 'event-trigger-platform[local]'. Commands on servers elsewhere do not, "
            "and need all of their addresses and secrets (etp COMMAND --help)."
        )


class NotOursError(LocalError):
    def __init__(self, root: str, why: str) -> None:
        super().__init__(
            f"{root} is not a data directory of the platform: {why}. It was left as it is. "
            "Name another one, which need not exist, with --data-dir."
        )


class NewerStateError(LocalError):
    def __init__(self, root: str, found: int, ours: int) -> None:
        super().__init__(
            f"{root} was written by a newer version of the platform (state version {found}, "
            f"this one knows {ours}). Install that version, or name another --data-dir."
        )


class UnreadableError(LocalError):
    def __init__(self, path: str, advice: str) -> None:
        super().__init__(f"{path} is broken: it does not hold what etp up writes there. {advice}")


class PortBusyError(LocalError):
    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is in use by another program. "
            f"Choose another one for the gateway with --port, e.g. --port {port + 1}."
        )


class AlreadyUpError(LocalError):
    def __init__(self, root: str, pid: str) -> None:
        super().__init__(
            f"The platform already runs on {root} (etp up, pid {pid}). "
            "Stop it first, or choose another --data-dir and --port."
        )


class NotUpError(LocalError):
    def __init__(self, root: str) -> None:
        super().__init__(f"Nothing runs on {root}. Start it with: etp up --data-dir {root}")


class NotReadyError(LocalError):
    def __init__(self, name: str, seconds: float, why: str) -> None:
        super().__init__(f"{name} was not ready after {seconds:.0f} s: {why}")


class ExitedEarlyError(LocalError):
    def __init__(self, name: str, code: int, log: str) -> None:
        super().__init__(f"{name} ended with exit code {code} before it was ready. Its log: {log}")


class StillSealedError(LocalError):
    def __init__(self, told: str) -> None:
        super().__init__(
            f"{told} What needs one would never be delivered: etp sealing reseal seals anew what "
            "targets have, and the rest ends by itself. The keys were left as they are; with "
            "--force they go all the same."
        )
