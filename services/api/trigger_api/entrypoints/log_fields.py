"""What a log record that is written during a request is about: asked for when there is one."""

from collections.abc import Mapping
from uuid import UUID

from starlette.types import Scope

from trigger_contracts.ids import is_valid_id

from . import fires

REQUEST_ID = "etp.request_id"
KEY_ID = "etp.key_id"
"""Where in the ASGI scope the gateway leaves what it found out."""


def of_request(scope: Scope) -> Mapping[str, str | None]:
    """Its id, whose key it came with, and the trigger and the event that its address names.

    An address may hold anything: only what could be an id is told.
    """
    params: Mapping[str, str] = scope.get("path_params") or {}
    fired = fires.PATH.fullmatch(scope["path"])
    trigger_id = fired[1] if fired else params.get("trigger_id", "")
    return {
        "request_id": scope.get(REQUEST_ID),
        "key_id": scope.get(KEY_ID),
        "trigger_id": trigger_id if is_valid_id(trigger_id) else None,
        "event_id": _event_id(params.get("event_id", "")),
    }


def _event_id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None
