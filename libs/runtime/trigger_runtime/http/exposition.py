"""/metrics as Prometheus reads it. Whoever asks often is given the same again.

It needs no key and takes milliseconds: so it is made anew only when that keeps to a small part
of the process's time.
"""

import time

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

SHARE = 20
"""It stays for so many times as long as it took: at most a twentieth of the time goes into it."""


class Exposition:
    """The metrics of the process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._text = b""
        self._good_until = 0.0

    def text(self) -> bytes:
        began = time.monotonic()
        if began >= self._good_until:
            self._text = generate_latest()
            ended = time.monotonic()
            self._good_until = ended + SHARE * (ended - began)
        return self._text
