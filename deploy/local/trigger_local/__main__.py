"""``python -m trigger_local``: ``etp``, of which this is the console script."""

import trigger_runtime.process.garbage  # noqa: F401 (first: it spares the imports that follow)

from .cli import main

if __name__ == "__main__":
    main()
