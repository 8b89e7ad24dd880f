"""Addresses of the broker and of PostgreSQL as settings have them; wrong ones end the start.

Every message continues the name of the variable, and quotes nothing: addresses hold passwords.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, SecretStr

from .environment import AlsoFromFile
from .secret_files import read_bytes

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_FILES = ("sslrootcert", "sslcert", "sslkey")

MAX_BUNDLE = 4 * 1024 * 1024
"""Bytes of a file of certificates: a system's own has a quarter of a megabyte."""


def nodes(nats_url: str) -> list[str]:
    """The addresses of the broker's nodes."""
    return [address.strip() for address in nats_url.split(",")]


def without_login(address: str) -> str:
    """An address as it may be shown."""
    scheme, separator, rest = address.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]


def _nats_url(text: str) -> str:
    for address in nodes(text):
        parts = urlsplit(address if "://" in address else f"nats://{address}")
        if parts.scheme not in {"nats", "tls"} or not _is_host(parts.netloc):
            raise ValueError("holds no address such as nats://host:4222 or tls://host:4222")
    return text


def _database_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        raise ValueError("has no host and port that could be") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("does not begin with postgresql://")
    # Several hosts, or none: a socket is named by the query.
    hosts = parts.netloc.rpartition("@")[2]
    if hosts and not all(_is_host(host) for host in hosts.split(",")):
        raise ValueError("has no host and port that could be")
    for wrong in _wrong_tls(parts.query):
        raise ValueError(wrong)
    return url


def _wrong_tls(query: str) -> Iterator[str]:
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    mode = given.get("sslmode")
    if mode is not None and mode not in _SSL_MODES:
        yield f"has an sslmode that is none of {', '.join(_SSL_MODES)}"
    for name in _SSL_FILES:
        if name in given:
            try:
                read_bytes(given[name], MAX_BUNDLE)
            except ValueError as error:
                yield f"has an {name} that {error}"
    usual = Path("~/.postgresql/root.crt").expanduser()
    elsewhere = "PGSSLROOTCERT" in os.environ or usual.exists()
    if mode in {"verify-ca", "verify-full"} and "sslrootcert" not in given and not elsewhere:
        yield f"has the sslmode {mode}, which needs an sslrootcert"


def _is_host(netloc: str) -> bool:
    try:
        parts = urlsplit(f"//{netloc}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


NatsUrl = Annotated[str, AfterValidator(_nats_url), AlsoFromFile()]
"""One address of the broker, or several, separated by commas. One may hold a password."""

DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
"""PostgreSQL's address, with a role and its password."""
