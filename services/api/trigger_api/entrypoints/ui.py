"""Everything under /ui/: the built web UI from memory, without a key and with any query.

What stands in the page's address is the page's own business: it is not looked at here. Beside
FastAPI, for none of this is a route of the interface.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import Scope

from trigger_api.domain.triggers.etags import excludes
from trigger_api.domain.web_ui import PREFIX, BuiltFile, BuiltUi, accepts_gzip, means_page
from trigger_contracts.errors import Code, problem, refused

from .answers import HttpAnswer, problem_answer

_METHODS = "GET, HEAD, OPTIONS"
_HTML = "text/html; charset=utf-8"

NOT_BUILT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The web UI is not built</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<h1>The web UI is not built</h1>
<p>The API works; only its pages are missing here.</p>
<p>In a checkout, <code>make ui</code> builds them and says what is in the way;
<code>make run</code> does so by itself. Then load this page again: nothing needs a restart.</p>
<p><a href="/docs">What the API answers</a></p>
</body>
</html>
"""

Current = Callable[[], Awaitable[BuiltUi | None]]


class UiEndpoint:
    """Answers what begins with ``/ui``."""

    def __init__(self, current: Current) -> None:
        self._current = current

    async def answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], request_id: str
    ) -> HttpAnswer:
        """The answer to GET is HEAD's, too. Raises ``Refused``."""
        if scope["method"] != "GET":
            return _other(scope["method"], request_id)
        if scope["path"] == PREFIX.rstrip("/"):
            query = scope["query_string"].decode("latin-1")
            return HttpAnswer(307, headers={"location": f"{PREFIX}?{query}" if query else PREFIX})
        built = await self._current()
        path, raw_path = scope["path"], scope.get("raw_path") or b""
        if built is None and means_page(path, raw_path):
            # 503, so that whoever watches /ui/ sees that it is not there; no client should wait.
            return HttpAnswer(503, NOT_BUILT.encode(), _HTML)
        found = None if built is None else built.find(path, raw_path)
        if found is None:
            raise refused(Code.NOT_FOUND, "nothing is at this address")
        return _sent(found, headers)


def _sent(file: BuiltFile, headers: Mapping[bytes, bytes]) -> HttpAnswer:
    sent = {"etag": file.tag, "cache-control": file.cache_control}
    body = file.body
    if file.gzipped is not None:
        sent["vary"] = "accept-encoding"
        if accepts_gzip(headers.get(b"accept-encoding")):
            sent["etag"], body = file.gzipped_tag, file.gzipped
    known = headers.get(b"if-none-match")
    if excludes(None if known is None else known.decode("latin-1"), sent["etag"]):
        return HttpAnswer(304, headers=sent)
    if body is file.gzipped:
        sent["content-encoding"] = "gzip"
    return HttpAnswer(200, body, file.content_type, sent)


def _other(method: str, request_id: str) -> HttpAnswer:
    if method == "OPTIONS":
        return HttpAnswer(204, headers={"allow": _METHODS})
    detail = f"{method} is not one of {_METHODS}"
    refusal = problem_answer(problem(Code.METHOD_NOT_ALLOWED, detail), request_id)
    return HttpAnswer(
        refusal.status,
        refusal.body,
        refusal.content_type,
        {**refusal.headers, "allow": _METHODS},
    )
