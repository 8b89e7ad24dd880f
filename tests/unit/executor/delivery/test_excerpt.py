"""What is kept of an answer: text, bounded, without control characters and without secrets."""

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.targets.secrets import new_secret
from trigger_executor.domain.delivery.excerpt import MAX_READ, ResponseBody, excerpt_of
from trigger_executor.domain.delivery.own_secrets import OwnSecrets

SECRET = "whsec_" + base64.b64encode(b"?>~" * 10).decode()
VALUE = 'k/ey&"<some>'
PATH = "/services/T0000/B0000/XXXXXXXXXXXXXXXXXXXXXXXX?token=tok+en1"
OWN = OwnSecrets(
    signing=(SECRET,), headers={"Authorization": "Bearer abcdef", "X-Key": VALUE}, path=PATH
)
NOTHING = OwnSecrets()


def kept(read: bytes, content_type: str = "text/plain", **more) -> str | None:
    kept = more.pop("kept", 2048)
    secrets = more.pop("secrets", OWN)
    return excerpt_of(ResponseBody(read, content_type, **more), secrets, kept)


@pytest.mark.parametrize(
    "content_type",
    ["text/html; charset=utf-8", "application/json", "application/problem+json", "text/xml", ""],
)
def test_text_is_kept(content_type: str) -> None:
    assert kept(b'{"error": "no such order"}', content_type) == '{"error": "no such order"}'


def test_what_is_no_text_is_told_by_its_type_and_size() -> None:
    assert kept(b"\x89PNG....", "image/png") == "(image/png, 8 bytes)"
    assert kept(b"\x89PNG....", "image/png", length=10**9) == "(image/png, 1000000000 bytes)"
    assert kept(b"\x00\x01", "") == "(unknown type, 2 bytes)"
    assert kept(b"\x1f\x8b", "text/plain", encoding="gzip") == "(text/plain, 2 bytes)"
    assert kept(b"..", "a type; that/is-none") == "(unknown type, 2 bytes)"


def test_nothing_is_kept_of_nothing_or_where_nothing_is_to_be_kept() -> None:
    assert kept(b"") is None
    assert kept(b"text", kept=0) is None


def test_it_is_as_long_as_may_be_kept_and_ends_between_characters() -> None:
    assert kept(b"x" * MAX_READ, kept=2048) == "x" * 2048
    assert kept("ä".encode() * 100, kept=5) == "ää"


def test_control_characters_are_replaced() -> None:
    told = kept(b"a\x00b\x1b[31mc\x7f\xc2\x9bd\r\ne\tf\xe2\x80\xaeg")
    assert told == "a\ufffdb\ufffd[31mc\ufffd\ufffdd\ne\tf\ufffdg"


def test_what_is_not_of_its_charset_is_replaced() -> None:
    assert kept(b"\xff\xfea", "text/plain") == "\ufffd\ufffda"
    assert kept("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1") == "grün"
    assert kept("grün".encode("utf-16"), 'text/plain; charset="utf-16"') == "grün"
    assert kept(b"abc", "text/plain; charset=rot13") == "abc"
    assert kept(b"abc", "text/plain; charset=iso-8859-99") == "abc"


ECHOES = [
    SECRET,
    SECRET.removeprefix("whsec_"),
    VALUE,
    json.dumps(VALUE)[1:-1],
    json.dumps(VALUE)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    json.dumps(VALUE)[1:-1].replace("/", "\\/"),
    html.escape(VALUE),
    quote(VALUE, safe=""),
    "Bearer abcdef",
    "abcdef",
    PATH,
    PATH.partition("?")[0],
    "XXXXXXXXXXXXXXXXXXXXXXXX",
    "tok+en1",
]


@pytest.mark.parametrize("echo", ECHOES)
def test_an_echo_of_an_own_secret_is_masked(echo: str) -> None:
    told = kept(f"you sent {echo}, and that is wrong".encode(), "application/json")
    assert told is not None
    assert echo not in told
    assert told.startswith("you sent ")
    assert "***" in told.removesuffix(", and that is wrong")


def test_a_secret_that_begins_where_the_reading_ends_is_masked() -> None:
    told = kept(b"a " + SECRET.encode()[:20])
    assert told == "a whsec_***"
    assert kept(f"x {VALUE[:6]}".encode()) == "x ***"


def test_masks_come_before_cuts() -> None:
    text = "-" * 2040 + SECRET
    told = kept(text.encode())
    assert told is not None
    assert told.rstrip("*") == "-" * 2040


def test_the_password_in_a_basic_header_is_masked() -> None:
    basic = OwnSecrets(headers={"Authorization": "Basic " + base64.b64encode(b"me:pw7").decode()})
    assert kept(b"pw7 is not your password", secrets=basic) == "*** is not your password"


def test_a_content_type_that_echoes_a_secret_is_masked() -> None:
    own = OwnSecrets(headers={"X": "abc123"})
    assert kept(b"..", "image/abc123", secrets=own) == "(image/***, 2 bytes)"


def test_secrets_of_others_are_masked_by_their_form() -> None:
    told = kept(b"try whsec_AAAA+/= or authorization: bearer eyJh.bGci-x_y", secrets=NOTHING)
    assert told == "try whsec_*** or authorization: bearer ***"


@given(st.binary(max_size=300), st.sampled_from(["text/plain", "", "application/json", "x/y"]))
def test_whatever_is_read_is_bounded_printable_and_without_the_secret(
    noise: bytes, content_type: str
) -> None:
    secret = new_secret()
    told = kept(
        noise + secret.encode() + noise,
        content_type,
        secrets=OwnSecrets(signing=(secret,)),
        kept=100,
    )
    assert told is not None
    assert len(told.encode()) <= 100
    assert secret[6:] not in told
    assert all(character in "\n\t" or ord(character) >= 0x20 for character in told)


def test_nothing_of_the_secrets_is_shown() -> None:
    assert SECRET not in repr(OWN)
