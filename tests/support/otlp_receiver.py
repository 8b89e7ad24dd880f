"""A collector on loopback: takes OTLP over HTTP as the standard has it, and keeps the spans."""

import contextlib
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message


@dataclass(frozen=True)
class Received:
    """A span as it came; ids in hex, as people paste them."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: dict[str, object]
    links: frozenset[tuple[str, str]]
    moments: tuple[str, ...]
    is_error: bool


class Receiver:
    """What came so far, and whether requests are taken."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.headers: list[dict[str, str]] = []
        self.paths: set[str] = set()
        self.answer = 200
        self.url = ""

    def of(self, event_id: str) -> list[Received]:
        """The spans of an event's trace, in the order of their starts."""
        trace_id = event_id.replace("-", "")
        found = [span for span in self.spans if span.trace_id == trace_id]
        return sorted(found, key=lambda span: (span.start_ns, span.name))

    def names(self, event_id: str) -> set[str]:
        return {span.name for span in self.of(event_id)}

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            about = {one.key: _value(one.value) for one in group.resource.attributes}
            for scope in group.scope_spans:
                self.spans += [_received(str(about["service.name"]), span) for span in scope.spans]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A collector at its ``url``, until the end."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.paths.add(self.path)
            receiver.headers.append(dict(self.headers))
            if receiver.answer == 200:
                receiver.take(body)
            self.send_response(receiver.answer)
            self.send_header("content-type", "application/x-protobuf")
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="otlp", daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _received(service: str, span: Message) -> Received:
    return Received(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes={one.key: _value(one.value) for one in span.attributes},
        links=frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        moments=tuple(event.name for event in span.events),
        is_error=span.status.code == 2,
    )


def _value(value: AnyValue) -> object:
    return getattr(value, value.WhichOneof("value") or "string_value")
