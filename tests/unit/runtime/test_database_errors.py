"""What asyncpg says by itself: that a value cannot be sent, or that no connection can be made."""

from pathlib import Path

import asyncpg
import pytest
from asyncpg.exceptions._base import DataError as OfAsyncpg
from pydantic import SecretStr

from trigger_runtime.postgres.database import Database, database_errors
from trigger_runtime.process.errors import DatabaseUnavailable
from trigger_runtime.process.settings import DatabaseSettings


@pytest.mark.parametrize("which", ["the named one", "the usual one"])
async def test_a_file_for_tls_that_is_gone_means_later_and_blames_no_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, which: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    authority = tmp_path / ".postgresql" / "root.crt"
    authority.parent.mkdir()
    authority.touch()
    url = "postgresql://a:b@127.0.0.1:1/etp?sslmode=verify-full"
    url += f"&sslrootcert={authority}" if which == "the named one" else ""
    settings = DatabaseSettings(database_url=SecretStr(url))
    authority.unlink()
    with pytest.raises(DatabaseUnavailable, match=r"No such file|does not exist"):
        await Database(settings, "gone").pool()


def test_a_value_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(asyncpg.DataError, match="argument"), database_errors():
        raise OfAsyncpg("invalid input for query argument $1")
