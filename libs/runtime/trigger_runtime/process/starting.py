"""Imported before all else, it spares a start the garbage collector; ``worker.run`` wants it again.

Nothing that imports make is garbage, and to look for some takes a sixth of their time.
"""

import gc

gc.disable()
