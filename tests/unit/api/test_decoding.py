"""Bodies under a Content-Encoding: decoded a step at a time, or refused with the reason."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_api.domain import decoding
from trigger_api.domain.decoding import MAX_MEMBERS, STEP, Gunzip, decoder_of
from trigger_contracts.errors import Code, Refused


def gunzipped(body: bytes, at_once: int = 1000) -> bytes:
    decoder = Gunzip()
    made = b""
    for start in range(0, len(body), at_once):
        for step in decoder.feed(body[start : start + at_once]):
            assert 0 < len(step) <= STEP
            made += step
    decoder.finish()
    return made


@given(st.lists(st.binary(max_size=2000), max_size=4), st.integers(1, 500), st.integers(0, 9))
def test_members_are_read_one_after_another_wherever_they_are_cut(
    members: list[bytes], at_once: int, padding: int
) -> None:
    body = b"".join(gzip.compress(member) for member in members)
    if body:
        body += b"\0" * padding
    assert gunzipped(body, at_once) == b"".join(members)


def test_what_is_much_larger_than_it_was_comes_in_steps() -> None:
    whole = bytes(RATIO_FREE)
    assert gunzipped(gzip.compress(whole), 1 << 20) == whole
    noise = random.Random(1).randbytes(3 * STEP)
    assert gunzipped(gzip.compress(noise), 1 << 20) == noise


RATIO_FREE = decoding.RATIO_FROM
"""So many zeros are a thousand times what they are packed, and still acceptable."""


def test_a_bomb_is_refused_before_it_is_made() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    made: list[int] = []
    with pytest.raises(Refused, match="200 times") as refusal:
        made.extend(map(len, Gunzip().feed(bomb)))
    assert refusal.value.problem.code is Code.BODY_TOO_LARGE
    assert sum(made) <= RATIO_FREE + 200 * len(bomb) + STEP


PACKED = gzip.compress(b'{"a": 1}', mtime=0)
"""Without the time, which would give a test another name in each process that runs it."""


@pytest.mark.parametrize(
    "body",
    [
        PACKED[:-1],
        PACKED[:5],
        PACKED[:-5] + b"12345",
        PACKED + b"{}",
        PACKED + gzip.compress(b" ", mtime=0)[:-3],
        zlib.compress(b'{"a": 1}'),
        b'{"a": 1}',
        b"\0\0\0",
        b"\x1f\x8b\xff",
    ],
)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_what_is_truncated_corrupt_or_no_gzip_is_a_malformed_encoding(
    body: bytes, at_once: int
) -> None:
    with pytest.raises(Refused) as refusal:
        gunzipped(body, at_once)
    assert refusal.value.problem.code is Code.MALFORMED_ENCODING


def test_endless_empty_members_are_refused() -> None:
    empty = gzip.compress(b"")
    assert gunzipped(empty * MAX_MEMBERS) == b""
    with pytest.raises(Refused, match="members"):
        gunzipped(empty * (MAX_MEMBERS + 1))


@pytest.mark.parametrize("header", [None, b"", b"identity", b" Identity ", b"identity, identity"])
def test_nothing_is_decoded_where_nothing_was_encoded(header: bytes | None) -> None:
    assert decoder_of(header) is None


@pytest.mark.parametrize("header", [b"gzip", b"GZip", b"x-gzip", b" gzip ,identity", b"gzip,"])
def test_gzip_has_two_names_in_any_case(header: bytes) -> None:
    assert isinstance(decoder_of(header), Gunzip)


@pytest.mark.parametrize(
    "header", [b"deflate", b"br", b"zstd", b"compress", b"gzip, gzip", b"gzip, br", b"\xff", b"*"]
)
def test_another_encoding_is_named_with_what_is_understood(header: bytes) -> None:
    with pytest.raises(Refused, match="Content-Encoding may be gzip") as refusal:
        decoder_of(header)
    assert refusal.value.problem.status == 415
