"""What OpenAPI says about the answers of a route, as FastAPI takes it."""

from typing import Any

from .headers import ResponseHeader, references

Answers = dict[int | str, dict[str, Any]]

NOT_MODIFIED: Answers = {304: {"description": "It is what `If-None-Match` names."}}


def json(
    model: Any, description: str, *headers: ResponseHeader, example: Any = None
) -> dict[str, Any]:
    """An answer in JSON."""
    found: dict[str, Any] = {"model": model, "description": description}
    if headers:
        found["headers"] = references(*headers)
    if example is not None:
        found["content"] = {"application/json": {"example": example}}
    return found


def text(
    content_type: str, description: str, *headers: ResponseHeader, schema: Any = None
) -> dict[str, Any]:
    """An answer of another type."""
    return {
        "description": description,
        "headers": references(*headers),
        "content": {content_type: {"schema": schema or {"type": "string"}}},
    }


def empty(description: str, *headers: ResponseHeader) -> dict[str, Any]:
    return {"description": description, "headers": references(*headers)}
