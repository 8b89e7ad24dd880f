"""Which versions of PostgreSQL an admin step takes."""

import pytest

from trigger_admin.errors import ServerTooOldError
from trigger_admin.server_version import refuse_older


@pytest.mark.parametrize(
    ("told", "number"),
    [("9.6.24", 90624), ("17.10 (Debian 17.10-1.pgdg13+1)", 170010), ("17beta1", 170000)],
)
def test_an_older_server_is_named_with_what_is_needed(told: str, number: int) -> None:
    with pytest.raises(ServerTooOldError) as refused:
        refuse_older(told, number)
    assert f"is PostgreSQL {told}, and the platform needs PostgreSQL 18 or newer" in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("told", "number"),
    [("18beta1", 180000), ("18.0", 180000), ("18.4", 180004), ("19.2", 190002), ("100.1", 1000001)],
)
def test_this_version_and_any_newer_one_are_taken(told: str, number: int) -> None:
    refuse_older(told, number)
