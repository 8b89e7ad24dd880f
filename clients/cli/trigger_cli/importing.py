"""``etp import``: a file of definitions to the gateway, a thousand in a request.

Each request has an idempotency key made of its own content and its place in the file, so that
a repeated import goes on where it was interrupted and creates nothing twice, also after a later
line was mended. The file is read as a stream, except for an array, which is one JSON text.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from trigger_contracts import bulk_body
from trigger_contracts.errors import Refused
from trigger_runtime.process.command_line import ExplainedError

from .gateway import Away, GatewayClient

CHUNK = 1_000
"""Definitions in a request: one atomic batch, and a step of the progress bar."""
CHUNK_BYTES = 16 * 1024 * 1024
"""The same in bytes, half of what the gateway accepts."""
ATTEMPTS = 30
"""Times that a request is made while the gateway, or something behind it, is away."""
PAUSE_S = 1.0
"""Between them: a restart takes a second or two."""
NO_LIMIT = 2**63

_POINTER = re.compile(r"^/(\d+)(.*)$", re.DOTALL)
_NAMED = re.compile(r"^(?:line|definition) (\d+): ", re.ASCII)
"""How the gateway names a definition: by its place in the request."""


class ImportRefusedError(ExplainedError):
    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"The import ended before {place}: {why}")


class InterruptedImportError(ExplainedError):
    def __init__(self, place: str, why: str) -> None:
        super().__init__(
            f"The import was interrupted at {place}: {why}. "
            "Repeat it as it is: nothing is created twice."
        )


@dataclass(slots=True)
class Chunk:
    """What one request takes: texts, and what each is called in the file."""

    unit: str
    places: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, place: int, text: bytes) -> None:
        self.places.append(place)
        self.texts.append(text)
        self.size += len(text) + 1

    @property
    def body(self) -> bytes:
        if self.unit == "line":
            return b"\n".join(self.texts)
        return b"[" + b",".join(self.texts) + b"]"

    @property
    def content_type(self) -> str:
        return "application/x-ndjson" if self.unit == "line" else "application/json"

    def key(self, name: str, number: int) -> str:
        digest = hashlib.sha256(f"{name}\0{number}\0".encode() + self.body)
        return f"import-{digest.hexdigest()}"

    def name(self, index: int) -> str:
        return f"{self.unit} {self.places[index]}"

    def in_file(self, detail: str) -> str:
        """What the gateway says of a definition by its place in the request."""
        return _NAMED.sub(lambda named: f"{self.name(int(named[1]) - 1)}: ", detail)


@dataclass(slots=True)
class Report:
    """What became of the definitions so far."""

    created: int = 0
    accepted: int = 0
    refused: int = 0
    is_complete: bool = True
    """Whether every request was made: without ``partial`` the first refusal ends the import."""


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The file, from its beginning, in the portions that are sent; raises ExplainedError."""
    file.seek(0)
    is_array = _begins_an_array(file)
    file.seek(0)
    unit = "definition" if is_array else "line"
    chunk = Chunk(unit)
    for place, text in _elements(file) if is_array else _lines(file):
        if chunk.texts and chunk.size + len(text) > CHUNK_BYTES:
            yield chunk
            chunk = Chunk(unit)
        chunk.add(place, text)
        if len(chunk.texts) == CHUNK:
            yield chunk
            chunk = Chunk(unit)
    if chunk.texts:
        yield chunk


def count(file: BinaryIO) -> int:
    """How many definitions the file holds."""
    return sum(len(chunk.texts) for chunk in chunks(file))


def send_all(
    gateway: GatewayClient,
    file: BinaryIO,
    *,
    name: str,
    partial: bool,
    say: Callable[[str], None],
    advance: Callable[[int], None],
) -> Report:
    """Send every chunk; ``say`` what is refused and why, ``advance`` by what is dealt with."""
    report = Report()
    for number, chunk in enumerate(chunks(file)):
        status, answer = _send(gateway, chunk, chunk.key(name, number), partial=partial)
        if status not in {200, 201, 202}:
            detail = chunk.in_file(answer.get("detail", ""))
            if status != 422:
                raise ImportRefusedError(chunk.name(0), f"{detail} ({status})")
            say(f"{chunk.unit}s {chunk.places[0]} to {chunk.places[-1]}: {detail}")
            named = dict.fromkeys(_named(chunk, answer.get("errors", ())))
            for place, reason in named:
                say(f"{place}: {reason}")
            report.refused += len({place for place, _ in named})
            report.is_complete = False
            return report
        report.created += answer["created"]
        report.accepted += answer["accepted"]
        report.refused += answer["refused"]
        for index, line in enumerate(answer["lines"]):
            if line["status"] == "refused":
                say(f"{chunk.name(index)}: {_reason(line['problem'])}")
        advance(len(chunk.texts))
    return report


def _send(gateway: GatewayClient, chunk: Chunk, key: str, *, partial: bool) -> tuple[int, Any]:
    path = "/triggers/bulk?partial=true" if partial else "/triggers/bulk"
    headers = {"content-type": chunk.content_type, "idempotency-key": key}
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S)
        try:
            status, answer = gateway.post(path, chunk.body, headers)
        except Away as away:
            why = str(away)
            continue
        if status < 500:
            return status, answer
        why = f"{answer.get('detail', '')} ({status})"
    raise InterruptedImportError(chunk.name(0), why)


def _named(chunk: Chunk, errors: Any) -> Iterator[tuple[str, str]]:
    """What the gateway says of definitions by their index in the request, by their place here."""
    for error in errors:
        index, rest = _POINTER.findall(error["pointer"])[0]
        yield chunk.name(int(index)), _at(rest) + _NAMED.sub("", error["message"])


def _reason(problem: Any) -> str:
    errors = [f"{_at(error['pointer'])}{error['message']}" for error in problem.get("errors", ())]
    return "; ".join(errors) or str(problem["detail"])


def _at(pointer: str) -> str:
    return f"{pointer}: " if pointer else ""


def _begins_an_array(file: BinaryIO) -> bool:
    while byte := file.read(1):
        if not byte.isspace():
            return byte == b"["
    return False


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(file, 1):
        if text := line.strip():
            yield number, text


def _elements(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    try:
        for piece in bulk_body.elements(file.read(), NO_LIMIT):
            yield piece.place, piece.text
    except Refused as refusal:
        raise ExplainedError(f"The file cannot be read: {refusal.problem.detail}.") from None
