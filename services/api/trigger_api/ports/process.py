"""A clock and ids, as far as the use cases need them."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The runtime's clock, as far as it is needed here."""

    def now(self) -> datetime: ...


class NewId(Protocol):
    """Makes random ids."""

    def __call__(self) -> str: ...
