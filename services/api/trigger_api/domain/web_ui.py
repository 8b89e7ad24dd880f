"""The built web UI as it is served: which file an address under /ui/ means, and how it is sent.

An address means a file of the build by its whole name, or the page, which makes of the address
what it shows. Nothing here joins a path: what was not found when the build was read is nowhere.
Pure: files come as bytes.
"""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .triggers.etags import tag_of

PREFIX = "/ui/"
PAGE = "index.html"
ASSETS = "assets/"
"""Below it, names hold a hash of what is in them: what is there never changes."""

_CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "woff": "font/woff",
    "woff2": "font/woff2",
}
"""What a build may hold; a file of another kind is not served."""

_PACKED = frozenset({"ico", "png", "woff", "woff2"})
"""What is compressed as it is: gzip would make it larger."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"

_VIEW = re.compile(r"(?:[^./\\\x00-\x1f\x7f]+/)*[^./\\\x00-\x1f\x7f]*")
"""An address of the page: it has no dot, for files do, and so have ways out of a folder."""
_HIDDEN_SLASH = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)
"""A slash that is not written as such means another address to some program in between."""


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """One file, with what goes out beside it."""

    body: bytes = field(repr=False)
    gzipped: bytes | None = field(repr=False)
    """None where that would be no smaller."""
    content_type: str
    cache_control: str
    tag: str

    @property
    def gzipped_tag(self) -> str:
        """Of the packed bytes: a strong tag names bytes."""
        return f'{self.tag[:-1]}-gz"'


@dataclass(frozen=True, slots=True)
class BuiltUi:
    """A whole build."""

    page: BuiltFile
    files: Mapping[str, BuiltFile]
    """By their names below /ui/, the page's own aside."""

    def find(self, path: str, raw_path: bytes) -> BuiltFile | None:
        """What the address means; ``path`` is ``raw_path`` decoded."""
        name = path.removeprefix(PREFIX)
        return self.files.get(name) or (self.page if means_page(path, raw_path) else None)

    def beside(self, earlier: "BuiltUi | None") -> "BuiltUi":
        """With the assets of those before it, which pages that are open still ask for."""
        if earlier is None:
            return self
        kept = {name: file for name, file in earlier.files.items() if name.startswith(ASSETS)}
        return BuiltUi(self.page, {**kept, **self.files})


def means_page(path: str, raw_path: bytes) -> bool:
    """Whether the page answers, and not one of the files that it consists of."""
    name = path.removeprefix(PREFIX)
    if name == PAGE:
        return True
    is_view = not name.startswith(ASSETS) and _VIEW.fullmatch(name) is not None
    return is_view and _HIDDEN_SLASH.search(raw_path) is None


def built_of(files: Mapping[str, bytes]) -> BuiltUi | None:
    """What these files serve, by their names below the build's folder; None without a page."""
    made = {
        name: file for name, body in files.items() if (file := _built_file(name, body)) is not None
    }
    page = made.pop(PAGE, None)
    return None if page is None else BuiltUi(page, made)


def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """Whether ``Accept-Encoding`` takes gzip (RFC 9110, 12.5.3)."""
    weights: dict[str, bool] = {}
    for element in (accept_encoding or b"").decode("latin-1").lower().split(","):
        name, _, weight = element.partition(";")
        weights[name.strip()] = re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _built_file(name: str, body: bytes) -> BuiltFile | None:
    suffix = name.rpartition(".")[2]
    content_type = _CONTENT_TYPES.get(suffix)
    if content_type is None or any(part.startswith(".") for part in name.split("/")):
        return None
    packed = None if suffix in _PACKED else gzip.compress(body, mtime=0)
    return BuiltFile(
        body,
        packed if packed is not None and len(packed) < len(body) else None,
        content_type,
        _FOR_EVER if name.startswith(ASSETS) else _ASK_FIRST,
        tag_of(body),
    )
