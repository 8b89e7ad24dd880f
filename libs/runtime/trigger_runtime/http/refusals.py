"""Answers that the HTTP server gives by itself, before any application is asked.

They are problems like every other refusal, with the headers that every answer has.
"""

from trigger_contracts.errors import Code, problem
from trigger_runtime.process.ids import new_id

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""What every answer carries, whoever gives it."""

_PHRASES = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    503: b"Service Unavailable",
}


def refusal(code: Code, detail: str) -> bytes:
    """A whole answer, after which the connection ends."""
    request_id = new_id()
    shown = problem(code, detail).model_copy(update={"request_id": request_id})
    body = shown.model_dump_json().encode()
    headers = (
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
        *(((b"retry-after", b"1"),) if shown.status == 503 else ()),
        *SECURITY_HEADERS,
    )
    head = b"HTTP/1.1 %d %s\r\n" % (shown.status, _PHRASES[shown.status])
    return head + b"".join(b"%s: %s\r\n" % each for each in headers) + b"\r\n" + body
