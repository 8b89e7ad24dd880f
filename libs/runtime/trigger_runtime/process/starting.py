"""Imported before all else, it spares a start the garbage collector; ``worker.run`` wants it again.

Nothing that imports make is garbage, and to look for some takes a sixth of their time. And a
container that is stopped while its process still imports stops: the kernel keeps signals without
a handler from a container's first process.
"""

import gc
import os
import signal
import sys

gc.disable()

if os.getpid() == 1:
    # Until ``worker`` or uvicorn sets its own: nothing is in hand yet.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
