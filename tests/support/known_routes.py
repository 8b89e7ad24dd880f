"""Routes of a second gateway with the models of the first one's: FastAPI takes long to make them.

Nothing of a route depends on which gateway it is of, but for what it calls.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import CodeType
from typing import Any

from fastapi import routing

_make = routing._populate_api_route_state

_known: dict[tuple[str, str, CodeType], dict[str, Any]] = {}
"""The state of each route that was made, by its path, its methods and its endpoint's code."""


@contextmanager
def known_routes() -> Iterator[None]:
    """Of gateways that are built meanwhile, and of them alone."""
    routing._populate_api_route_state = _state
    try:
        yield
    finally:
        routing._populate_api_route_state = _make


def _state(route: Any, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
    key = (path, " ".join(options["methods"]), endpoint.__code__)
    if key in _known:
        state = _known[key]
        dependant = replace(state["dependant"], call=endpoint)
        vars(route).update(state, endpoint=endpoint, dependant=dependant)
    else:
        before = set(vars(route))
        _make(route, path, endpoint, **options)
        _known[key] = {name: one for name, one in vars(route).items() if name not in before}
