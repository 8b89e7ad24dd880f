"""Sources into the folder that the gateway serves: only when they changed, and as a whole.

Invariant: what is served is a whole build, the last one that succeeded. A build that fails or is
killed changes nothing; one that runs beside another one waits for it and has nothing left to do.
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .node import UI, UiBuildError, alone, installed, run

BUILT = UI.with_name("trigger_api") / "built_ui"
STAMP = ".stamp"
"""In the built folder: of which sources it is. Hidden files are not served."""

_BESIDE = ".built_ui."
"""What folders begin with in which something is built or thrown away: git ignores them."""

_INPUTS = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
_TREES = ("src", "public")


def build(say: Callable[[str], None]) -> None:
    """Build unless that has been done; ``say`` is told when it begins. Raises ``UiBuildError``."""
    if _is_current():
        return
    try:
        with alone():
            if not _is_current():
                say("Building the web UI (once, and again when its sources change) …")
                _build()
    except OSError as error:
        raise UiBuildError(f"{error.filename or 'a file'}: {error.strerror}") from error


def digest(ui: Path = UI) -> str:
    """Of everything that a build is made of."""
    found = hashlib.sha256()
    for path in _sources(ui):
        body = path.read_bytes()
        found.update(f"{path.relative_to(ui).as_posix()}\0{len(body)}\0".encode() + body)
    return found.hexdigest()


def _sources(ui: Path) -> Iterator[Path]:
    yield from (ui / name for name in _INPUTS)
    for tree in _TREES:
        for path in sorted((ui / tree).rglob("*")):
            # Editors leave hidden files beside what they edit.
            if path.is_file() and not path.name.startswith(".") and ".test." not in path.name:
                yield path


def _is_current() -> bool:
    try:
        return (BUILT / STAMP).read_text() == digest() and (BUILT / "index.html").is_file()
    except OSError:
        return False


def _build() -> None:
    for left in BUILT.parent.glob(f"{_BESIDE}*"):
        shutil.rmtree(left, ignore_errors=True)
    # Before anything is read: what is edited meanwhile makes the next build.
    of = digest()
    installed(to_check=False)
    with _folder() as made:
        vite = ("build", "--outDir", str(made), "--emptyOutDir", "--logLevel", "warn")
        run("vite/bin/vite.js", *vite, what="vite could not build the web UI")
        (made / STAMP).write_text(of)
        made.chmod(0o755)
        _swap_in(made)


def _swap_in(made: Path) -> None:
    """The gateway keeps what it has in memory in the moment in which there is no folder."""
    with _folder() as away:
        if BUILT.exists():
            BUILT.rename(away / BUILT.name)
        made.rename(BUILT)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A new one on the disk of the built one; not there afterwards."""
    made = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=BUILT.parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
