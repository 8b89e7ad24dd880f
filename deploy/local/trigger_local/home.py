"""Where ``etp up`` keeps everything that survives a restart.

Knows the paths and their modes, and of their contents only the mark that says that the directory
is ours, and by which version of it. Used by every other module here.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import NewerStateError, NotOursError, UnreadableError

STATE_VERSION = 1
"""Of everything in the directory but the two servers' own folders. An older ``etp`` than made it
leaves it alone."""

ALLOWED_BESIDE = frozenset({"lost+found", "etp.json.part"})
"""What an empty disk has, and what a first start that was killed at once has left."""


@dataclass(frozen=True, slots=True)
class Home:
    """The directory named by ``--data-dir``."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """Create the directory if needed; only its owner may look inside.

        Started by root, the database belongs to another user, who must be able to pass through:
        then others may enter, and still neither list the directory nor read its secrets.
        Raises LocalError, and leaves alone what is there, if it is another's or a newer version's.
        """
        home = cls(path.expanduser().resolve())
        home.check()
        home.root.mkdir(parents=True, exist_ok=True)
        if not home.mark.exists():
            write_private(home.mark, json.dumps({"state_version": STATE_VERSION}))
        home.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        home.logs.mkdir(mode=0o700, exist_ok=True)
        return home

    def check(self) -> None:
        """Raises LocalError if nothing of ours may be kept here."""
        try:
            str(self.root).encode()
        except UnicodeEncodeError:
            raise NotOursError(str(self.root), "its name is not UTF-8") from None
        if self.root.exists() and not self.root.is_dir():
            raise NotOursError(str(self.root), "it is not a directory")
        found = self._version()
        if found is not None and found > STATE_VERSION:
            raise NewerStateError(str(self.root), found, STATE_VERSION)
        if found is None and self.root.exists():
            others = {entry.name for entry in self.root.iterdir()} - ALLOWED_BESIDE
            if others and not self._is_of_before_marks():
                raise NotOursError(str(self.root), "it has files, and none of them is ours")

    def is_ours(self) -> bool:
        """Whether the platform was ever started on it."""
        return self._version() is not None or self._is_of_before_marks()

    def _version(self) -> int | None:
        """What the mark says; None where there is none."""
        kept = read_json(self.mark)
        if kept is None:
            return None
        version = kept.get("state_version") if isinstance(kept, dict) else None
        if not isinstance(version, int):
            raise UnreadableError(
                str(self.mark), "Remove it if the directory is the platform's: it is made anew."
            )
        return version

    def _is_of_before_marks(self) -> bool:
        """Releases before the mark are known by what they kept."""
        return self.secrets.is_file() and self.lock.is_file() and self.logs.is_dir()

    @property
    def mark(self) -> Path:
        return self.root / "etp.json"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


def read_json(path: Path) -> Any:
    """What a file of ours holds; None if there is none. Raises UnreadableError."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError):
        kept = None
    if kept is None:
        raise UnreadableError(str(path), "Bring it back from a backup.")
    return kept


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it, also while it is being written."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
