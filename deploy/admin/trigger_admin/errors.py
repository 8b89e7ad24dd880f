"""What may go wrong in an admin step; each message says what to do about it."""

from collections.abc import Sequence
from pathlib import Path

from trigger_runtime.jetstream.past import WAY_OUT
from trigger_runtime.process.command_line import ExplainedError


class AdminError(ExplainedError):
    """The step cannot be taken as asked."""


class StreamsLostError(AdminError):
    def __init__(self, lost: Sequence[str], options: str) -> None:
        told = "".join(f"\n  {one}" for one in lost)
        super().__init__(
            f"The streams lack what was there before:{told}\n"
            "Nothing was changed, and nothing is projected backwards. Bring nats/ back from a "
            "backup, or go on with what there is and lose the rest, also in the tables: "
            f"{WAY_OUT}{options}"
        )


class UncopiedError(AdminError):
    def __init__(self, folder: Path, count: int) -> None:
        super().__init__(
            f"The backup in {folder} lacks up to {count} commands of NATS clients that were "
            "acknowledged before it began: the broker did not copy them from TRIGGER_INGRESS into "
            "TRIGGER_COMMANDS in time. All else is in it. Take another one into a new folder; if "
            "it says the same, the copy stands still: etp provision mends it."
        )


class TablesGoneError(AdminError):
    def __init__(self, schemas: Sequence[str]) -> None:
        super().__init__(
            f"PostgreSQL has not all tables of: {', '.join(schemas)}. "
            "They are made anew from the streams by: etp provision"
        )


class ServerTooOldError(AdminError):
    def __init__(self, found: str, needed: int) -> None:
        super().__init__(
            f"The database's server is PostgreSQL {found}, and the platform needs PostgreSQL "
            f"{needed} or newer. Nothing was changed. Start a new, empty one of that version: "
            "every table is made anew from the streams."
        )


class StreamUnchangeableError(AdminError):
    def __init__(self, stream: str, why: str | None) -> None:
        super().__init__(
            f"The stream {stream} is not as this version declares it, and the broker does not let "
            f"it be changed: {why}. What it holds was left as it is. Somebody else made or edited "
            "it: bring it back from a backup, or remove it with all that it holds, and take this "
            "step again."
        )
