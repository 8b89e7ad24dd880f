"""The gateway's settings."""

import pytest
from pydantic import ValidationError

from trigger_api.settings import Settings
from trigger_contracts.topology import LOG_LIFE

URL = "postgresql://etp_api:x@127.0.0.1/etp"


def test_a_hash_that_could_not_be_one_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ETP_DATABASE_URL", URL)
    assert Settings().kept_for == LOG_LIFE
    monkeypatch.setenv("ETP_BOOTSTRAP_KEY_HASH", "secret in plain text")
    with pytest.raises(ValidationError, match="SHA-256") as refused:
        Settings()
    assert "plain text" not in str(refused.value)


def test_operators_have_a_port_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETP_DATABASE_URL", URL)
    monkeypatch.setenv("ETP_HTTP_PORT", "8080")
    assert Settings().operations_port is None
    monkeypatch.setenv("ETP_OPERATIONS_PORT", "8081")
    assert Settings().operations_port == 8081
    monkeypatch.setenv("ETP_OPERATIONS_PORT", "8080")
    with pytest.raises(ValidationError, match="another port than ETP_HTTP_PORT"):
        Settings()


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    "url", ["unix:///tmp/x", "localhost:6379", "redis://host:port/0", "redis://[::1", "offline"]
)
def test_a_cache_that_could_not_be_one_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ETP_DATABASE_URL", URL)
    monkeypatch.setenv("CACHE_URL", url)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("url", ["off", "mem://", "redis://:secret@cache:6379/1", "rediss://cache"])
def test_caches_that_may_be(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ETP_DATABASE_URL", URL)
    monkeypatch.setenv("CACHE_URL", url)
    assert Settings().cache_url.get_secret_value() == url
