"""``Accept-Encoding``, as RFC 9110 reads it."""

import pytest

from trigger_api.domain.accepted_encodings import prefers_gzip


@pytest.mark.parametrize(
    "accepted",
    [
        "gzip",
        "GZIP",
        "x-gzip",
        "gzip, deflate, br",
        "br;q=1.0, gzip;q=0.8",
        "*",
        "*;q=0.5",
        "identity;q=0, gzip;q=0.1",
        "identity;q=0.5, gzip; q=0.5",
        "deflate ,\tgzip ; Q=1.000",
        "nonsense;;, gzip",
        ", gzip,",
    ],
)
def test_gzip_is_sent_to_who_likes_it_no_less(accepted: str) -> None:
    assert prefers_gzip(accepted.encode())


@pytest.mark.parametrize(
    "accepted",
    [
        None,
        "",
        "identity",
        "br, deflate",
        "gzip;q=0",
        "gzip;q=0.000",
        "gzip;q=0, *",
        "*;q=0",
        "identity, gzip;q=0.9",
        "gzip;q=2",
        "gzip;q=-1",
        "gzip;q=0.0001",
        "gzip;level=9",
        "gzip deflate",
        "gzipped",
        "\xe9, zstd",
    ],
)
def test_anybody_else_is_sent_the_answer_as_it_is(accepted: str | None) -> None:
    assert not prefers_gzip(None if accepted is None else accepted.encode("latin-1"))
