"""Settings that would break a promise are refused at the start."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from trigger_retention.settings import Settings

URL = "postgresql://etp_retention:secret@localhost/etp"


def test_the_defaults_are_the_platforms_own_lives() -> None:
    settings = Settings(database_url=URL)
    assert settings.active_for == timedelta(hours=2)
    assert settings.kept_for == timedelta(hours=48)
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "lives",
    [
        {"active_for": "48h"},
        {"active_for": "3h", "kept_for": "2h"},
        {"kept_for": "49h"},  # the stream forgets at 48 h: a rebuild could not bring it back
        {"active_for": "0s"},
    ],
)
def test_lives_that_contradict_each_other_are_refused(lives: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url=URL, **lives)
