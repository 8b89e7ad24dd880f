"""What every list answers."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """A page of a list, and the cursor of the next one if there is one."""

    rows: list[Row]
    next_cursor: str | None
