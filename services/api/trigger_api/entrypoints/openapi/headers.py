"""Each header of an answer that the interface promises, described once; routes name them."""

from typing import Any, NamedTuple


class ResponseHeader(NamedTuple):
    """A header, and what OpenAPI says about it."""

    name: str
    description: str
    is_always_there: bool = True
    """Wherever it is declared."""
    schema: dict[str, Any] = {"type": "string"}  # noqa: RUF012  # never changed
    component: str = ""
    """What OpenAPI calls it, where that is not its name: one header may be described twice."""


_NUMBER = {"type": "integer", "minimum": 0}

CONTENT_DISPOSITION = ResponseHeader(
    "Content-Disposition", "`attachment`, with a name for the file."
)
COVERAGE = ResponseHeader(
    "X-Search-Coverage",
    "With `q`: `partial` where payloads are longer than what is searched of them.",
    is_always_there=False,
    schema={"type": "string", "enum": ["complete", "partial"]},
)
ETAG = ResponseHeader("ETag", "What `If-Match` and `If-None-Match` compare.")
EDITED_ETAG = ResponseHeader(
    "ETag",
    "What `If-Match` and `If-None-Match` compare; not with `dry_run`.",
    is_always_there=False,
    component="ETag-Of-Edit",
)
LINK = ResponseHeader(
    "Link",
    'The address of the next page, with `rel="next"` (RFC 8288); the last page has none.',
    is_always_there=False,
)
LOCATION = ResponseHeader("Location", "Where it is, or will be.")
LOG_POSITION = ResponseHeader(
    "X-Log-Position",
    "The id in the live stream up to which all rows are in the log that was read: as "
    "`last_event_id` it continues without a gap.",
    is_always_there=False,
)
REQUEST_ID = ResponseHeader(
    "X-Request-ID",
    "Names this request in the platform's logs: the caller's own id, if it sent one.",
)
RETRY_AFTER = ResponseHeader(
    "Retry-After", "Seconds until it is worth another try.", schema=_NUMBER
)
SET_COOKIE = ResponseHeader("Set-Cookie", "The session, or its end.")
TOTAL_COUNT = ResponseHeader(
    "X-Total-Count",
    "With `count=true`: all rows that pass, on whichever page.",
    is_always_there=False,
    schema=_NUMBER,
)
TOTAL_COUNT_KIND = ResponseHeader(
    "X-Total-Count-Kind",
    "Beside `X-Total-Count`.",
    is_always_there=False,
    schema={"type": "string", "enum": ["exact", "estimate"]},
)
OF_PAGES = (LINK, TOTAL_COUNT, TOTAL_COUNT_KIND)
"""What the page of a list says beside its items."""
UNDERSTOOD_ENCODINGS = ResponseHeader(
    "Accept-Encoding", "How bodies may be encoded.", is_always_there=False
)
WWW_AUTHENTICATE = ResponseHeader("WWW-Authenticate", "`Bearer`.")

HEADERS = (
    CONTENT_DISPOSITION,
    COVERAGE,
    EDITED_ETAG,
    ETAG,
    LINK,
    LOCATION,
    LOG_POSITION,
    REQUEST_ID,
    RETRY_AFTER,
    SET_COOKIE,
    TOTAL_COUNT,
    TOTAL_COUNT_KIND,
    UNDERSTOOD_ENCODINGS,
    WWW_AUTHENTICATE,
)


def components() -> dict[str, Any]:
    """All of them, as ``components.headers``."""
    return {
        header.component or header.name: {
            "description": header.description,
            "required": header.is_always_there,
            "schema": header.schema,
        }
        for header in HEADERS
    }


def references(*headers: ResponseHeader) -> dict[str, Any]:
    """The ``headers`` of one answer."""
    return {
        one.name: {"$ref": f"#/components/headers/{one.component or one.name}"} for one in headers
    }
