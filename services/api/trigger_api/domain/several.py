"""A field of a filter that takes several values: a row passes that has any of them.

Pure. In a query string the parameter is repeated (``status=fired&status=missed``), in JSON it is an
array; one value may stand alone in either. Invariant: equal filters are equal values, however
they were written, so that they share pages, plans and hashes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails

T = TypeVar("T")

MOST_VALUES = 50
"""Of one field. A filter is a handful of words; what is longer is work for every row."""

MOST_IDS = 100
"""Of triggers that are asked about by their ids: as many as a screen shows."""

MOST_EVENTS = 500
"""Of events: as many as a page has."""


def _read(value: Any, within: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """In order and without repetitions."""
    if isinstance(value, list | tuple) and (len(value) != 1 or info.mode == "json"):
        return tuple(sorted(set(within(tuple(value)))))
    # A value that stands alone. (A query string's parameters come as lists.)
    alone = value[0] if isinstance(value, list | tuple) else value
    try:
        return within((alone,))
    except ValidationError as error:
        raise _of_the_field(error) from None


def _at_most(most: int) -> AfterValidator:
    """Said by itself: as a limit of the tuple it would be said of values that are wrong, too."""

    def counted(values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not 1 <= len(values) <= most:
            raise ValueError(f"must have 1 to {most} values")
        return values

    return AfterValidator(counted)


def _of_the_field(error: ValidationError) -> ValidationError:
    """The same, of the field itself instead of the first of its values."""
    lines = [
        InitErrorDetails(
            type=entry["type"],
            loc=entry["loc"][1:],
            input=entry["input"],
            ctx=entry.get("ctx", {}),
        )
        for entry in error.errors(include_url=False)
    ]
    return ValidationError.from_exception_data(error.title, lines)


@dataclass(frozen=True, slots=True)
class _OneOrMany:
    """Documents both forms."""

    most: int

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        many |= {"minItems": 1, "maxItems": self.most}
        return {"anyOf": [many["items"], many]}


Several = Annotated[
    tuple[T, ...],
    _at_most(MOST_VALUES),
    WrapValidator(_read),
    _OneOrMany(MOST_VALUES),
]

_Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
SeveralIds = Annotated[
    tuple[_Id, ...], _at_most(MOST_IDS), WrapValidator(_read), _OneOrMany(MOST_IDS)
]
"""Ids of triggers that a caller has, and asks about at once."""

SeveralEvents = Annotated[
    tuple[UUID, ...], _at_most(MOST_EVENTS), WrapValidator(_read), _OneOrMany(MOST_EVENTS)
]
"""The same of events."""


def takes_several(field: FieldInfo) -> bool:
    """Whether a field takes several values, be it optional or not."""
    return any(isinstance(one, _OneOrMany) for one in (*field.metadata, *_parts(field.annotation)))


def _parts(annotation: Any) -> Iterator[Any]:
    for one in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield one
        yield from _parts(one)
