"""What may go wrong when the platform is started; each message says what to do about it."""


class LocalError(Exception):
    """The platform cannot be started as asked. The message is for the person at the terminal."""


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
