"""Where ``etp up`` keeps everything that survives a restart.

Knows the paths and their modes, never their contents. Used by every other module here.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The directory named by ``--data-dir``."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """Create the directory if needed; only its owner may look inside.

        Started by root, the database belongs to another user, who must be able to pass through:
        then others may enter, and still neither list the directory nor read its secrets.
        """
        home = cls(path.expanduser().resolve())
        home.root.mkdir(parents=True, exist_ok=True)
        home.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        home.logs.mkdir(mode=0o700, exist_ok=True)
        return home

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
