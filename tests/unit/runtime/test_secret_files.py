"""Every secret may be in a file; whatever is wrong with one is said, and what it holds is not."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from trigger_api.settings import Settings as ApiSettings
from trigger_runtime.process.secret_files import MAX_BYTES
from trigger_runtime.process.setting_errors import explain
from trigger_runtime.process.settings import NatsSettings

NOBODY = 65534
ALLOWED = "Allowed: the path of a file that holds the secret as UTF-8 text, at most 64 KiB"
DATABASE = "postgresql://etp_api:hunter2@127.0.0.1/etp"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "password"
    monkeypatch.setenv("ETP_NATS_PASSWORD_FILE", str(path))
    return path


def lines() -> list[str]:
    with pytest.raises(ValidationError) as refused:
        NatsSettings()
    return explain(NatsSettings, refused.value)


@pytest.mark.parametrize(
    ("held", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b" hunter 2 ", " hunter 2 "),
        ("schlüssel\n".encode(), "schlüssel"),
    ],
)
def test_one_newline_at_the_end_is_taken_off(file: Path, held: bytes, secret: str) -> None:
    file.write_bytes(held)
    assert NatsSettings().nats_password == SecretStr(secret)


@pytest.mark.parametrize(
    ("held", "wrong"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "is not UTF-8"),
        (b"x" * (MAX_BYTES + 1), "is too large"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(file: Path, held: bytes, wrong: str) -> None:
    file.write_bytes(held)
    (line,) = lines()
    assert line.startswith(f"ETP_NATS_PASSWORD_FILE names {file}, which {wrong}. {ALLOWED}")
    assert "hunter2" not in line


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    (line,) = lines()
    assert line.startswith(f"ETP_NATS_PASSWORD_FILE names {file}, which does not exist. {ALLOWED}")


def test_a_directory_is_refused(file: Path) -> None:
    file.mkdir()
    (line,) = lines()
    assert line.startswith(f"ETP_NATS_PASSWORD_FILE names {file}, which is a directory. {ALLOWED}")


def test_a_file_that_may_not_be_read_is_refused(file: Path) -> None:
    file.write_text("hunter2")
    file.chmod(0)
    # Permissions do not bind root, who may run these tests.
    user = os.geteuid()
    os.seteuid(user or NOBODY)
    try:
        (line,) = lines()
    finally:
        os.seteuid(user)
    assert (
        f"ETP_NATS_PASSWORD_FILE names {file}, which cannot be read (Permission denied). " in line
    )


def test_a_file_below_another_file_cannot_be_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("hunter2")
    monkeypatch.setenv("ETP_NATS_PASSWORD_FILE", f"{file}/below")
    (line,) = lines()
    assert "which cannot be read (Not a directory). Allowed: " in line


@pytest.mark.parametrize(
    ("path", "wrong"),
    [("", "is empty"), ("hunter2", "names a file that does not exist")],
)
def test_what_may_be_the_secret_itself_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, path: str, wrong: str
) -> None:
    monkeypatch.setenv("ETP_NATS_PASSWORD_FILE", path)
    (line,) = lines()
    assert line.startswith(f"ETP_NATS_PASSWORD_FILE {wrong}. {ALLOWED}")
    assert "hunter2" not in line


@pytest.mark.parametrize("given", ["hunter2", ""])
def test_a_secret_that_is_given_twice_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    file.write_text("hunter2")
    monkeypatch.setenv("ETP_NATS_PASSWORD", given)
    (line,) = lines()
    assert line.startswith(
        "ETP_NATS_PASSWORD_FILE is set, and so is ETP_NATS_PASSWORD: one of them must go. Allowed: "
    )
    assert "hunter2" not in line


def test_every_secret_of_the_gateway_may_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "NATS_URL": "nats://api:hunter2@127.0.0.1:4222",
        "NATS_PASSWORD": "hunter2",
        "DATABASE_URL": DATABASE,
        "CACHE_URL": "redis://:hunter2@127.0.0.1",
        "SESSION_SECRET": "x" * 32,
        "BOOTSTRAP_KEY_HASH": f"first:{'0' * 64}",
    }
    for name, secret in secrets.items():
        (tmp_path / name).write_text(f"{secret}\n")
        monkeypatch.setenv(f"ETP_{name}_FILE", str(tmp_path / name))
    settings = ApiSettings()
    found = {name: getattr(settings, name.lower()) for name in secrets}
    assert {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in found.items()
    } == secrets


def test_another_name_of_a_secret_counts_as_given_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("off")
    monkeypatch.setenv("ETP_DATABASE_URL", DATABASE)
    monkeypatch.setenv("ETP_CACHE_URL_FILE", str(tmp_path / "cache"))
    assert ApiSettings().cache_url == SecretStr("off")
    monkeypatch.setenv("CACHE_URL", "mem://")
    with pytest.raises(ValidationError, match="CACHE_URL"):
        ApiSettings()


def test_what_a_file_holds_is_checked_as_what_a_variable_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    monkeypatch.setenv("ETP_DATABASE_URL", DATABASE)
    monkeypatch.setenv("ETP_SESSION_SECRET_FILE", str(tmp_path / "secret"))
    with pytest.raises(ValidationError) as refused:
        ApiSettings()
    (line,) = explain(ApiSettings, refused.value)
    assert line.startswith("ETP_SESSION_SECRET_FILE is shorter than 32 characters. Allowed: ")
    assert "hunter2" not in line
