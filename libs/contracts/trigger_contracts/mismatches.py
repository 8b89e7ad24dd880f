"""What a payload's mismatch with its schema says: where it is wrong, and never what stood there.

The caller's answer, the log's row and the service's own log all get these words. Pointers name
fields, also those that only the payload has; values are in none.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from .errors import FieldError, pointer, shortened
from .formats import MAX_REGEX_CHARACTERS

MASK = "the value"
"""The validator writes it in the place of each value that it speaks of."""


def field_errors(error: jsonschema_rs.ValidationError) -> Iterator[FieldError]:
    """One error of the validator, whose mask is ``MASK``: for each field that it is about."""
    path = ["payload", *error.instance_path]
    kind: Any = error.kind  # a class of its own for each keyword, which the stubs do not know
    match kind.name:
        # These quote the names of fields in their messages, mask or not.
        case "additionalProperties" | "unevaluatedProperties":
            for name in kind.unexpected:
                yield _error([*path, name], "This field is not known")
        case "propertyNames":
            said = _said(kind.error).replace(MASK, "the name of this field", 1)
            yield _error([*path, str(kind.error.instance)], said)
        case "falseSchema":
            yield _error(path, "nothing that is given here is allowed")
        case "contains":
            yield _error(path, "too few or too many items match the schema that some must match")
        case _:
            yield _error(path, _said(error))


def _said(error: jsonschema_rs.ValidationError) -> str:
    kind: Any = error.kind
    if kind.name == "format" and kind.format == "regex":
        return f"{error.message} of at most {MAX_REGEX_CHARACTERS} characters"
    return error.message


def _error(path: list[str | int], message: str) -> FieldError:
    return FieldError(pointer=shortened(pointer(path)), message=shortened(message))
