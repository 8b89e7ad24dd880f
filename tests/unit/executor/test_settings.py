"""What a process of the executor does is said by its settings."""

import pytest
from pydantic import ValidationError

from trigger_executor.settings import Role, Settings

NATS = "nats://127.0.0.1:4222"
DATABASE = "postgresql://etp_executor:none@127.0.0.1/etp"
BOTH = frozenset(Role)


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ETP_EXECUTOR_ROLES", "ETP_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "roles"),
    [
        ({"database_url": DATABASE}, BOTH),
        ({}, {Role.RECORD}),
        ({"executor_roles": "record"}, {Role.RECORD}),
        ({"executor_roles": "record", "database_url": DATABASE}, {Role.RECORD}),
        ({"executor_roles": "deliver", "database_url": DATABASE}, {Role.DELIVER}),
        ({"executor_roles": " deliver , record", "database_url": DATABASE}, BOTH),
    ],
)
def test_a_process_has_the_roles_that_it_is_given(given: dict[str, str], roles: set[Role]):
    assert Settings(nats_url=NATS, **given).roles() == roles


@pytest.mark.parametrize("roles", ["deliver", "record,deliver"])
def test_whoever_is_told_to_deliver_needs_a_database(roles: str):
    with pytest.raises(ValidationError, match="ETP_DATABASE_URL is not set"):
        Settings(nats_url=NATS, executor_roles=roles)


@pytest.mark.parametrize("roles", ["", " , ", "send", "record,send", "RECORD"])
def test_other_roles_are_refused(roles: str):
    with pytest.raises(ValidationError, match="must be record or deliver, or both"):
        Settings(nats_url=NATS, executor_roles=roles)
