"""Whether a program's folder can be written to: asked of the disk itself, by writing.

How much is said to be free tells nothing of quotas, limits on a file's size, a disk that is
mounted read-only or one that fails. Blocks; used by the supervisor before it starts a server.
"""

import contextlib
import os
from pathlib import Path

NEEDED_BYTES = 8 * 1024 * 1024
"""A server that is started on less is soon stopped by the same error; one of the broker's blocks
may be as large."""

PROBE = ".space"


def reason_against(folder: Path, needed: int = NEEDED_BYTES) -> str | None:
    """Why ``needed`` bytes cannot be written into ``folder``; None if they can."""
    probe = folder / PROBE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with probe.open("wb", buffering=0) as file:
            written = 0
            while written < needed:
                # Less than it was given is what a disk takes just before it is full.
                written += file.write(bytes(needed - written))
            os.fsync(file.fileno())
    except OSError as error:
        return f"{needed // 1024 // 1024} MiB cannot be written to {folder}: {error.strerror}"
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return None
