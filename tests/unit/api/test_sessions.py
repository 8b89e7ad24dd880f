"""Sessions: a cookie proves who signed in, until when, and nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_api.domain.keys import StoredKey
from trigger_api.domain.sessions import (
    LASTS,
    RENEWED_AFTER,
    SessionCookie,
    is_from_elsewhere,
    says_elsewhere,
)

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
COOKIE = SessionCookie.of(b"s" * 32, port=8000, is_secure=False)
KEY, OTHER = StoredKey("mine", "a" * 64), StoredKey("others", "b" * 64)
KEYS = {key.key_id: key for key in (KEY, OTHER)}
HOST = {b"host": b"127.0.0.1:8000"}


def value_of(line: str) -> str:
    return line.partition(";")[0].partition("=")[2]


def cookie(value: str, name: str = COOKIE.name) -> str:
    return f"theme=dark; {name}={value}"


def test_a_session_is_known_until_it_ends() -> None:
    session, line = COOKIE.begin(KEY, NOW)
    sent = cookie(value_of(line))
    assert session.expires_at == NOW + LASTS
    assert COOKIE.read(sent, KEYS, NOW) == session
    assert COOKIE.read(sent, KEYS, NOW + LASTS - SECOND) == session
    assert COOKIE.read(sent, KEYS, NOW + LASTS) is None
    assert COOKIE.read("", KEYS, NOW) is None


def test_no_script_and_no_other_site_sees_the_cookie() -> None:
    _, line = COOKIE.begin(KEY, NOW)
    name, *attributes = line.split("; ")
    assert name.startswith("etp_session_8000=")
    assert set(attributes) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"}
    secure = SessionCookie.of(b"s" * 32, port=8000, is_secure=True)
    _, line = secure.begin(KEY, NOW)
    assert line.startswith("__Host-etp_session_8000=")
    assert line.endswith("; Secure")
    assert "Max-Age=0" in COOKIE.end()
    assert value_of(COOKIE.end()) == ""


def test_it_ends_with_its_key_and_with_its_secret() -> None:
    sent = cookie(value_of(COOKIE.begin(KEY, NOW)[1]))
    rotated = {"mine": StoredKey("mine", "c" * 64)}
    assert COOKIE.read(sent, rotated, NOW) is None
    assert COOKIE.read(sent, {"others": OTHER}, NOW) is None
    for other in (
        SessionCookie.of(b"t" * 32, port=8000, is_secure=False),
        SessionCookie.of(b"s" * 32, port=8001, is_secure=False),
    ):
        assert other.read(sent.replace(COOKIE.name, other.name), KEYS, NOW) is None


@given(st.integers(0, 80), st.sampled_from("Aa0_-."))
def test_a_value_that_was_changed_proves_nothing(place: int, letter: str) -> None:
    value = value_of(COOKIE.begin(KEY, NOW)[1])
    place %= len(value)
    forged = value[:place] + letter + value[place + 1 :]
    if forged != value:
        assert COOKIE.read(cookie(forged), KEYS, NOW) is None


@given(st.text(max_size=100))
def test_anything_else_proves_nothing(value: str) -> None:
    assert COOKIE.read(cookie(value), KEYS, NOW) is None
    assert COOKIE.read(value, KEYS, NOW) is None


def test_another_keys_signature_or_a_later_end_proves_nothing() -> None:
    _, ends, signature = value_of(COOKIE.begin(KEY, NOW)[1]).split(".")
    for forged in (
        f"others.{ends}.{signature}",
        f"mine.{int(ends) + 1}.{signature}",
        f"mine.0{ends}.{signature}",
        f"mine.99999999999.{signature}",
    ):
        assert COOKIE.read(cookie(forged), KEYS, NOW) is None
    ahead = cookie(value_of(COOKIE.begin(KEY, NOW + SECOND)[1]))
    assert COOKIE.read(ahead, KEYS, NOW) is None


def test_what_another_port_sets_beside_it_does_not_hide_it() -> None:
    value = value_of(COOKIE.begin(KEY, NOW)[1])
    beside = f"{COOKIE.name}=forged; {COOKIE.name}={value}"
    assert COOKIE.read(beside, KEYS, NOW) is not None


def test_it_is_renewed_now_and_then() -> None:
    session, _ = COOKIE.begin(KEY, NOW)
    assert not session.is_to_be_renewed(NOW)
    assert not session.is_to_be_renewed(NOW + RENEWED_AFTER)
    assert session.is_to_be_renewed(NOW + RENEWED_AFTER + SECOND)


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({b"sec-fetch-site": b"same-origin"}, False),
        ({b"sec-fetch-site": b"same-site"}, True),
        ({b"sec-fetch-site": b"cross-site"}, True),
        ({b"sec-fetch-site": b"none"}, True),
        ({b"sec-fetch-site": b"same-site", b"origin": b"http://127.0.0.1:8000"}, True),
        ({b"origin": b"http://127.0.0.1:8000"}, False),
        ({b"origin": b"HTTP://127.0.0.1:8000"}, False),
        ({b"origin": b"http://127.0.0.1:9999"}, True),
        ({b"origin": b"http://localhost:8000"}, True),
        ({b"origin": b"null"}, True),
        ({b"origin": b""}, True),
        ({b"origin": b"ftp://127.0.0.1:8000"}, True),
        ({b"origin": b"https://triggers.example.com"}, False),
        ({}, True),
    ],
)
def test_a_page_of_another_origin_is_told_from_ours(
    headers: dict[bytes, bytes], *, elsewhere: bool
) -> None:
    own = frozenset({b"triggers.example.com"})
    assert is_from_elsewhere({**HOST, **headers}, own) is elsewhere
    is_program = not headers or headers == {b"sec-fetch-site": b"none"}
    assert says_elsewhere({**HOST, **headers}, own) is (elsewhere and not is_program)
