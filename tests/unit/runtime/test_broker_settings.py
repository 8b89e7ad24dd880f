"""How the broker is entered: what cannot work ends the start."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.support.certificates import Authority
from tests.support.nats_keys import USER, KeyPair, creds
from trigger_runtime.process.broker_settings import BrokerSettings
from trigger_runtime.process.setting_errors import explain
from trigger_runtime.process.settings import DatabaseSettings, EnvironmentSettings

Set = Callable[..., None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Set:
    def set_variables(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ETP_{name}", str(value))

    return set_variables


def lines(kind: type[EnvironmentSettings] = BrokerSettings) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        kind()
    return explain(kind, refused.value)


def test_a_certificate_and_its_key(given: Set, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, other = authority.sign("one"), authority.sign("other")
    given(NATS_CA_FILE=authority.file, NATS_CERT_FILE=pair.certificate)
    assert lines()[0].startswith("ETP_NATS_KEY_FILE is not set, and ETP_NATS_CERT_FILE is. Al")
    given(NATS_KEY_FILE=other.key)
    assert lines()[0].startswith(
        "ETP_NATS_KEY_FILE and ETP_NATS_CERT_FILE name no private key and certificate that belong "
        "together. Allowed: PEM file of"
    )
    given(NATS_KEY_FILE=pair.key)
    settings = BrokerSettings()
    assert settings.asks_for_tls
    assert settings.tls_context().get_ca_certs()


def test_a_key_without_a_certificate(given: Set, tmp_path: Path) -> None:
    given(NATS_KEY_FILE=Authority(tmp_path).sign("one").key)
    assert lines()[0].startswith("ETP_NATS_KEY_FILE is set, and ETP_NATS_CERT_FILE is not. Allo")


@pytest.mark.parametrize(
    ("variable", "held", "said"),
    [
        ("NATS_CA_FILE", "hunter2", "names a file that holds no certificate in PEM. Allowed: PEM"),
        ("NATS_NKEY_FILE", "hunter2", "holds no NKEY seed. Allowed: File of the user's NKEY seed"),
        ("NATS_NKEY_FILE", "", "which is empty. Allowed: File of the user's NKEY seed"),
        ("NATS_CREDS_FILE", "hunter2", "holds no user JWT and NKEY seed between their lines of "),
    ],
)
def test_a_file_that_holds_something_else(
    given: Set, tmp_path: Path, variable: str, held: str, said: str
) -> None:
    (tmp_path / "file").write_text(held)
    given(**{variable: tmp_path / "file"})
    (line,) = lines()
    assert line.startswith(f"ETP_{variable} ")
    assert said in line
    assert "hunter2" not in line


@pytest.mark.parametrize("name", ["CA", "CERT", "NKEY", "CREDS"])
def test_a_file_that_is_not_there(given: Set, name: str) -> None:
    given(**{f"NATS_{name}_FILE": "/nowhere/file"})
    said = [line.partition(". ")[0] for line in lines()]
    assert f"ETP_NATS_{name}_FILE names /nowhere/file, which does not exist" in said


def test_one_way_in_is_enough(given: Set, tmp_path: Path) -> None:
    key = KeyPair(USER)
    (tmp_path / "seed").write_text(key.seed)
    (tmp_path / "creds").write_text(creds("a.b.c", key.seed))
    given(NATS_NKEY_FILE=tmp_path / "seed")
    identity = BrokerSettings().identity()
    assert identity is not None
    assert (identity.public, identity.jwt) == (key.public, None)
    given(NATS_PASSWORD="hunter2", NATS_CREDS_FILE=tmp_path / "creds")
    (line,) = lines()
    assert line == (
        "ETP_NATS_PASSWORD and ETP_NATS_NKEY_FILE and ETP_NATS_CREDS_FILE are set. "
        "Allowed: one of them."
    )


def test_tls_is_asked_for_by_an_address(given: Set) -> None:
    for url in ("nats://a, tls://b", "tls://a:4222"):
        given(NATS_URL=url)
        assert BrokerSettings().asks_for_tls, url
    for url in ("nats://a:4222", "a"):
        given(NATS_URL=url)
        assert not BrokerSettings().asks_for_tls, url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a:b@host/etp",
        "postgres://a:b@host:5432/etp?sslmode=require",
        "postgresql://a:b@one:5432,two:5433/etp?target_session_attrs=read-write",
        "postgresql:///etp?host=/run/postgresql",
        "postgresql://a:b@[::1]:5432/etp",
    ],
)
def test_addresses_of_a_database(given: Set, url: str) -> None:
    given(DATABASE_URL=url)
    assert DatabaseSettings().database_url.get_secret_value() == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://a:hunter2@host/etp", "does not begin with postgresql://"),
        ("postgresql://a:hunter2@host:x/etp", "has no host and port that could be"),
        ("postgresql://a:hunter2@one,:1/etp", "has no host and port that could be"),
        ("postgresql://a:hunter2@host/etp?sslmode=on", "has an sslmode that is none of disable, "),
        (
            "postgresql://a:hunter2@host/etp?sslmode=verify-full&sslrootcert=/nowhere/ca",
            "has an sslrootcert that names /nowhere/ca, which does not exist",
        ),
        ("postgresql://a:hunter2@host/etp?sslkey=/nowhere/key", "has an sslkey that names /nowh"),
    ],
)
def test_what_is_no_address_of_a_database(given: Set, url: str, said: str) -> None:
    given(DATABASE_URL=url)
    (line,) = lines(DatabaseSettings)
    assert line.startswith(f"ETP_DATABASE_URL {said}")
    assert "hunter2" not in line


def test_a_database_that_is_to_be_verified_needs_an_authority(
    given: Set, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(DATABASE_URL="postgresql://a@host/etp?sslmode=verify-full")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    (line,) = lines(DatabaseSettings)
    assert "has the sslmode verify-full, which needs an sslrootcert. Allowed: " in line
