"""Which file an address under /ui/ means, and how it is sent."""

import gzip
from urllib.parse import unquote

import pytest

from trigger_api.domain.web_ui import BuiltUi, accepts_gzip, built_of

SCRIPT = b"console.log('a page of ours')\n" * 50


def built(**more: bytes) -> BuiltUi:
    files = {"index.html": b"<!doctype html>", "assets/main-a1.js": SCRIPT, **more}
    found = built_of(files)
    assert found is not None
    return found


def find(path: str) -> str | None:
    """What answers: the page, a file's kind, or nothing."""
    ui = built()
    found = ui.find(unquote(path), path.encode())
    return None if found is None else "page" if found is ui.page else found.content_type


@pytest.mark.parametrize(
    "path",
    [
        "",
        "index.html",
        "events",
        "events/",
        "triggers/0190f2c5-7c00/edit",
        "overview",
        "triggers/é",
    ],
)
def test_every_view_is_the_page(path: str) -> None:
    assert find(f"/ui/{path}") == "page"


@pytest.mark.parametrize(
    "path",
    [
        "assets/none.js",
        "assets/",
        "assets/main-a1",
        "none.js",
        "favicon.ico",
        "../settings.py",
        "assets/../../settings.py",
        "assets/../assets/main-a1.js",
        "%2e%2e/settings",
        "..%2fsettings",
        "events%2fabc",
        "events%5cabc",
        "events\\abc",
        "/etc/passwd",
        "//etc/passwd",
        "events//abc",
        "events/%00",
        "events/a%0d%0ab",
        ".stamp",
        ".vite/manifest.json",
        "./events",
    ],
)
def test_what_is_no_view_and_no_file_is_nothing(path: str) -> None:
    assert find(f"/ui/{path}") is None


def test_a_file_is_found_by_its_whole_name() -> None:
    assert find("/ui/assets/main-a1.js") == "text/javascript; charset=utf-8"
    assert find("/ui/ASSETS/main-a1.js") is None


def test_assets_never_change_and_the_page_is_asked_for_each_time() -> None:
    ui = built()
    assert ui.files["assets/main-a1.js"].cache_control == "public, max-age=31536000, immutable"
    assert ui.page.cache_control == "no-cache"


def test_what_gzip_makes_smaller_is_packed() -> None:
    ui = built(**{"assets/a.woff2": bytes(1000), "assets/b.css": b"a{}"})
    packed = ui.files["assets/main-a1.js"].gzipped
    assert packed is not None
    assert gzip.decompress(packed) == SCRIPT
    assert ui.files["assets/a.woff2"].gzipped is None
    assert ui.files["assets/b.css"].gzipped is None


def test_what_is_hidden_or_of_an_unknown_kind_is_not_served() -> None:
    ui = built(
        **{".stamp": b"x", ".vite/manifest.json": b"{}", "build.py": b"", "assets/LICENSE": b""}
    )
    assert set(ui.files) == {"assets/main-a1.js"}


def test_a_build_without_a_page_is_none() -> None:
    assert built_of({}) is None
    assert built_of({"assets/main-a1.js": SCRIPT}) is None


def test_pages_that_are_open_find_their_assets_after_a_build() -> None:
    second = built_of({"index.html": b"2", "assets/main-b2.js": b"b"})
    third = built_of({"index.html": b"3", "assets/main-c3.js": b"c"})
    assert second is not None
    assert third is not None
    beside = third.beside(second.beside(built()))
    assert beside.page.body == b"3"
    assert set(beside.files) == {"assets/main-a1.js", "assets/main-b2.js", "assets/main-c3.js"}


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"gzip, deflate, br, zstd", True),
        (b"br;q=1.0, GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip;q=0.000, *", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"identity", False),
        (b"x-gzip", True),
        (b"gzipped", False),
    ],
)
def test_gzip_is_sent_to_who_accepts_it(header: bytes | None, *, accepts: bool) -> None:
    assert accepts_gzip(header) is accepts
