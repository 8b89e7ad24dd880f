"""How busy the machine is that measures."""

import os


def allowed(seconds: float) -> float:
    """Of what takes ``seconds`` on a machine of one's own, the most that it may take here.

    As many times that as there are programs for each core: tests share theirs.
    """
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
