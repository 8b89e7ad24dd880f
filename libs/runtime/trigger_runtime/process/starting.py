"""Imported before all else: what a service does while it imports. ``worker.run`` ends that.

It looks for no garbage. And a container that is stopped while its process still imports stops: the
kernel keeps signals without a handler from a container's first process.
"""

import os
import signal
import sys

import trigger_runtime.process.garbage  # noqa: F401 (spares the imports that follow)

if os.getpid() == 1:
    # Until ``worker`` or uvicorn sets its own: nothing is in hand yet.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
