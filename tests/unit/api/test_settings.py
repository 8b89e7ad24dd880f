"""The gateway's settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from trigger_api.settings import Settings
from trigger_contracts.targets.sealing import new_key, public_of
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


@pytest.mark.parametrize("key", ["", "short", "A" * 43, "é" * 43, "hpke1.x.y"])
def test_a_sealing_key_that_could_not_be_one_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("ETP_DATABASE_URL", URL)
    assert Settings().sealing_public_key is None
    monkeypatch.setenv("ETP_SEALING_PUBLIC_KEY", key)
    with pytest.raises(ValidationError, match=r"sealing_public_key|SEALING_PUBLIC_KEY"):
        Settings()


def test_a_sealing_key_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    public = public_of(new_key())
    (tmp_path / "key").write_text(f"{public}\n")
    monkeypatch.setenv("ETP_DATABASE_URL", URL)
    monkeypatch.setenv("ETP_SEALING_PUBLIC_KEY_FILE", str(tmp_path / "key"))
    assert Settings().sealing_public_key == public


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
