"""Answers of a gateway, held to what its OpenAPI document declares: status, headers and body."""

import copy
import re
from typing import Any

import httpx
import jsonschema_rs

_ENDLESS = ("text/event-stream", "application/x-ndjson", "text/csv")


def is_endless(response: httpx.Response) -> bool:
    """Whether the answer is a stream, which its reader takes piece by piece."""
    return str(response.headers.get("content-type", "")).startswith(_ENDLESS)


class Declared:
    """What a document declares. ``met`` has the answers that were held to it so far."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._strict = {"schemas": _closed(document["components"]["schemas"])}
        self._validators: dict[str, Any] = {}
        # Literal addresses first, as the router has them.
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", template.rstrip("/")) + "/?"), operations)
            for template, operations in sorted(
                document["paths"].items(), key=lambda path: path[0].count("{")
            )
        ]
        self.met: set[tuple[str, int]] = set()

    def operation_of(self, method: str, path: str) -> dict[str, Any] | None:
        """None for what no operation answers: another address, or method."""
        for pattern, operations in self._paths:
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None

    def check(self, response: httpx.Response) -> None:
        """Fails where the answer, which is read, is not as it was declared."""
        request = response.request
        operation = self.operation_of(request.method, request.url.path)
        if operation is None:
            return
        what = f"{operation['operationId']} {response.status_code}"
        answer = operation["responses"].get(str(response.status_code))
        assert answer is not None, f"{what} is not declared: {response.text[:500]}"
        answer = self._resolved(answer)
        for name, header in answer.get("headers", {}).items():
            declared = self._resolved(header)
            value = response.headers.get(name)
            assert value is not None or not declared["required"], f"{what} has no {name}"
            if value is not None:
                assert _fits(value, declared["schema"]), f"{what}: {name}: {value}"
        content = answer.get("content", {})
        if not content:
            assert not response.content, what
        else:
            media_type = response.headers["content-type"].partition(";")[0]
            assert media_type in content, f"{what} is {media_type}"
            if media_type.endswith("json"):
                self.validate(response.json(), content[media_type]["schema"], what)
        self.met.add((operation["operationId"], response.status_code))

    def validate(self, value: Any, schema: dict[str, Any], what: str) -> None:
        key = repr(schema)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": self._strict}, validate_formats=True
            )
        errors = [
            f"{what}{error.instance_path}: {error.message[:500]}"
            for error in self._validators[key].iter_errors(value)
        ]
        assert not errors, "\n".join(errors)

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        found = self._document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found


def _closed(schemas: dict[str, Any]) -> dict[str, Any]:
    """No field may be there that is not declared, though clients have to bear some."""
    closed: dict[str, Any] = copy.deepcopy(schemas)
    for schema in closed.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed


def _fits(value: str, schema: dict[str, Any]) -> bool:
    if schema["type"] == "integer":
        return value.isdigit()
    return value in schema.get("enum", (value,))
