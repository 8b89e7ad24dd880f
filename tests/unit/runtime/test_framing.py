"""Which heads are served, by what they say about the message itself."""

import pytest

from trigger_runtime.http import framing

HOST = (b"host", b"x")


def status(*headers: tuple[bytes, bytes], version: str = "1.1") -> int:
    found = framing.fault(list(headers), version)
    return 200 if found is None else int(found.split()[1])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, 200) for host in (b"", b"a", b"A_b.c:80", b"a:", b"[::1]:8", b"a%20b", b" a\t")),
        *(
            (host, 400)
            for host in (b"a b", b"a/b", b"a@b", b"a:b", b"[::1", b"a%2", b"\xe9", b"a#")
        ),
    ],
)
def test_a_host_is_a_name_or_an_address_and_perhaps_a_port(host: bytes, expected: int) -> None:
    assert status((b"host", host)) == expected


def test_http_1_1_asks_for_one_host_and_no_version_takes_two() -> None:
    assert (status(), status(version="1.0")) == (400, 200)
    for version in ("1.0", "1.1"):
        assert status(HOST, version=version) == 200
        assert status(HOST, (b"accept", b""), HOST, version=version) == 400


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        *(([line], 200) for line in (b"chunked", b"CHUNKED", b",chunked , ")),
        *(([line], 501) for line in (b"gzip, chunked", b"chunked;q=1", b"identity", b"x\xff")),
        *(([line], 400) for line in (b"", b",", b"chunked, chunked")),
        ([b"gzip", b"chunked"], 501),
        ([b"", b"chunked"], 200),
        ([b"chunked", b"chunked"], 400),
    ],
)
def test_a_body_may_come_in_chunks_and_no_other_coding(lines: list[bytes], expected: int) -> None:
    headers = [(b"transfer-encoding", line) for line in lines]
    assert status(HOST, *headers) == expected
    assert status(HOST, *headers, version="1.0") == 400


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "3.0"])
def test_another_version_is_not_taken_for_ours(version: str) -> None:
    assert status(HOST, version=version) == 400


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a?b=http://c", b"/a?b=http://c"),
        (b"http://a", b"http://a/"),
        (b"HTTPS://[::1]:8?b", b"HTTPS://[::1]:8/?b"),
        (b"http://a/b?c", b"http://a/b?c"),
        (b"*", b"*"),
        (b"a:80", b"a:80"),
    ],
)
def test_a_target_without_a_path_means_the_root(target: bytes, expected: bytes) -> None:
    assert framing.with_path(target) == expected


def test_what_frames_a_body_is_told_apart_from_the_rest_of_a_head() -> None:
    upgrade = ((b"connection", b"upgrade"), (b"upgrade", b"h2c"))
    assert framing.head_of_body([HOST, *upgrade]) is None
    assert framing.head_of_body([HOST, (b"content-length", b"3"), *upgrade]) == (
        b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n"
    )
