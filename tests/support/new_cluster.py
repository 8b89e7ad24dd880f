"""A data directory on which ``initdb`` has run: made once by each process of tests, then copied.

``initdb`` takes a second of CPU, and dozens of platforms are started. It is the product's own that
runs here, with the product's own secrets; everything after it (roles, schemas, streams) is done by
each start itself. What a start does without this is for tests/integration/local.
"""

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

from trigger_local import postgres, secrets
from trigger_local.home import Home


def new_cluster(root: Path) -> None:
    """Make ``root`` such a directory; leaves alone what is there already."""
    if root.exists():
        return
    made = _made_once()
    home = Home.at(root)
    shutil.copyfile(made.secrets, home.secrets)
    home.secrets.chmod(0o600)
    # With owners and modes: as root, the database's files belong to another user.
    subprocess.run(["cp", "-a", str(made.postgres), str(home.postgres)], check=True)


@functools.cache
def _made_once() -> Home:
    # Not pytest's own temporary directory: as root, the database's user could not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home.at(folder / "home")
    kept = secrets.load_or_create(home)
    postgres.prepare(home.postgres, kept.postgres[secrets.DATABASE_OWNER])
    return home
