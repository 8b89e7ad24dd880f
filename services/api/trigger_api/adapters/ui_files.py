"""The folder of the built web UI, read into memory when it is first asked for, or was built anew.

A build is swapped in as a whole (services/api/ui_build), so its page tells when there is another
one. What cannot be read is as if it were not there.
"""

import asyncio
import os
from pathlib import Path

from trigger_api.domain.web_ui import PAGE, BuiltUi, built_of
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

FOLDER = Path(__file__).parents[1] / "built_ui"

Mark = tuple[int, int, int]


class UiFiles:
    """The latest build, and the assets of those before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark: Mark | None = None
        self._built: BuiltUi | None = None
        self._reading = asyncio.Lock()

    async def current(self) -> BuiltUi | None:
        """The build; None where there has been none since the process began."""
        if self._is_another():
            async with self._reading:
                if (mark := self._is_another()) is not None:
                    found = await asyncio.to_thread(_read, self._folder)
                    if found is not None:
                        self._built = found.beside(self._built)
                    self._mark = mark
        return self._built

    def _is_another(self) -> Mark | None:
        """What tells the build on the disk from the one in memory; None if it is the same."""
        try:
            found = (self._folder / PAGE).stat(follow_symlinks=False)
        except OSError:
            return None
        mark = (found.st_ino, found.st_mtime_ns, found.st_size)
        return None if mark == self._mark else mark


def _read(folder: Path) -> BuiltUi | None:
    """Plain files only: a link could lead anywhere."""
    files: dict[str, bytes] = {}
    try:
        for above, _, names in os.walk(folder, onerror=_raise):
            for path in (Path(above, name) for name in names):
                if path.is_file() and not path.is_symlink():
                    files[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        log.warning("the web UI cannot be read", kind=type(error).__name__)
        return None
    return built_of(files)


def _raise(error: OSError) -> None:
    raise error
