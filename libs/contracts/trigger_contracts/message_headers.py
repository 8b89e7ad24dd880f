"""The header block of a NATS message, whatever its bytes are.

Pure, and never raises: the broker delivers what somebody wrote, and nobody checks it before.
What is malformed is read as far as it can be and says so, by being ``UnreadableHeaders``.
"""

from collections.abc import Mapping

STATUS = "Status"
DESCRIPTION = "Description"
"""What the first line says besides the protocol's name: only the broker writes it."""

_PROTOCOL = "NATS/1.0"
_END = "\r\n\r\n"


class UnreadableHeaders(dict[str, str]):
    """What could be read of a malformed block; ``why`` is for people, and quotes nothing of it."""

    def __init__(self, headers: Mapping[str, str], why: str) -> None:
        super().__init__(headers)
        self.why = why


def why_unreadable(headers: Mapping[str, str]) -> str | None:
    """Why a message's headers could not be read; None if they could."""
    return headers.why if isinstance(headers, UnreadableHeaders) else None


def read(block: bytes) -> dict[str, str]:
    """The headers in a block, the status in its first line among them."""
    why = ""
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        text = block.decode("utf-8", "replace")
        why = f"its header block is not UTF-8 at byte {error.start}"
    first, *lines = text.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
        elif line:
            why = why or "a line of its header block has no colon"
    protocol, _, status = first.partition(" ")
    if protocol != _PROTOCOL:
        why = why or "its header block does not begin with NATS/1.0"
    elif status:
        _read_status(status.strip(), headers)
    if not text.endswith(_END):
        why = why or "its header block has no end"
    return UnreadableHeaders(headers, why) if why else headers


def _read_status(line: str, headers: dict[str, str]) -> None:
    status, _, description = line.partition(" ")
    if len(status) == 3 and status.isascii() and status.isdigit():
        headers[STATUS] = status
        if description:
            headers[DESCRIPTION] = description.strip()
