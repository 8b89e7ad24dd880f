"""The log as a file: its formats, and the cells and lines of CSV (RFC 4180).

Pure. Invariant: no cell is a formula to a spreadsheet, and every text can be read back. A text
that a spreadsheet might calculate gets an apostrophe in front, and so does one that begins with
an apostrophe itself: whoever drops one leading apostrophe of a text has it as it was. Numbers
stay numbers, negative ones too, and JSON stays JSON: neither is calculated.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trigger_api.domain.queries import ExportQuery
from trigger_api.domain.schemas import EventDetail
from trigger_contracts.errors import Code, refused

COLUMNS = tuple(EventDetail.model_fields)
"""What a row tells, in both formats and in this order."""
DELIVERIES = "deliveries"
"""What a row tells besides, at its end, if that is asked for."""

_BOM = "\ufeff"
_FORMULA = re.compile(
    # What spreadsheets skip, then what begins a formula, also in full and small width.
    r"[\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
    r"|[\t\r\n']"
)
_PLAIN = re.compile(r"\w[\w .:/-]*")
"""What is neither a formula nor in need of quotes, whatever separates the cells."""


class Format(StrEnum):
    """How the rows are written down."""

    NDJSON = "ndjson"
    CSV = "csv"


_CONTENT_TYPES = {
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv; charset=utf-8; header=present",
}


@dataclass(frozen=True, slots=True)
class File:
    """What an export is to whoever saves it."""

    format: Format
    content_type: str
    name: str
    opening: bytes
    """Stands before the first row."""


def file_of(query: ExportQuery, accept: str, at: datetime) -> File:
    """``accept`` is the header; it counts where the query names no format.

    Raises ``Refused``: a byte order mark would be the first line's first character.
    """
    asked = query.format or ("csv" if _prefers_csv(accept) else "ndjson")
    wanted = Format(asked)
    if query.bom and wanted is not Format.CSV:
        raise refused(Code.INVALID, "is for CSV only", pointer="/query/bom")
    opening = ""
    if wanted is Format.CSV:
        columns = (*COLUMNS, DELIVERIES) if query.deliveries else COLUMNS
        opening = (_BOM if query.bom else "") + ",".join(columns) + "\r\n"
    return File(
        wanted, _CONTENT_TYPES[wanted], f"events-{at:%Y%m%dT%H%M%SZ}.{wanted}", opening.encode()
    )


def _prefers_csv(accept: str) -> bool:
    """Whether CSV is named, and before NDJSON: nobody weighs the two."""
    csv = accept.lower().find("text/csv")
    ndjson = accept.lower().find("ndjson")
    return csv >= 0 and not 0 <= ndjson < csv


def text_cell(text: str | None) -> str:
    """A text that somebody chose."""
    if text is None:
        return ""
    if _PLAIN.fullmatch(text):
        return text
    return _quoted(f"'{text}" if _FORMULA.match(text) else text)


def json_cell(text: str | None) -> str:
    """A JSON text. It begins with a bracket, a quote, a letter or a number."""
    if text is None or text == "[]":
        return text or ""
    return _quoted(text.strip(" \t\r\n"))


def csv_line(
    start: str,
    trigger_id: str,
    trigger_name: str,
    middle: str,
    reason: str | None,
    errors: str,
    rest: str,
    payload: str | None,
    *more: str | None,
) -> str:
    """One row: texts and JSON, and between them cells of ours that need no care.

    ``more`` are further cells of JSON.
    """
    tail = "".join("," + json_cell(text) for text in more)
    return (
        f"{start},{text_cell(trigger_id)},{text_cell(trigger_name)},{middle},"
        f"{text_cell(reason)},{json_cell(errors)},{rest},{json_cell(payload)}{tail}\r\n"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
