"""Where the servers of tests keep what they store: in memory, where there is room for it.

Every message and every commit is synced, as on a machine of a user's. On a disk that takes 1 to 5
ms each time, hundreds of tests would wait for it for most of their time, and one that fills the
disk's queue (a database that is copied) delays whatever runs beside it for seconds. What is proven
by killing processes does not depend on it: both kinds of files outlive them. The tests of
``tests/chaos`` keep to the disk all the same.
"""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 6 << 30
"""For two test runs at a time: some 1 GiB is used at most."""


def has_room() -> bool:
    if not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK)):
        return False
    free = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
    return free >= _ENOUGH_BYTES


def keep_in_memory() -> None:
    """From here on new temporary folders are made there, if nobody chose another place."""
    if "TMPDIR" not in os.environ and has_room():
        tempfile.tempdir = str(_MEMORY)
