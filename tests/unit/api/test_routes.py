"""Which route answers an address: the first that fits, so their order counts."""

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from trigger_api.bootstrap import build
from trigger_api.settings import Settings

ID = "0190f2c5-7c00-7000-8000-000000000000"

ROUTES = [
    route
    for route in build(Settings(database_url="postgresql://nobody@127.0.0.1:1/none")).app.routes
    if isinstance(route, APIRoute)
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: f"{min(one.methods)} {one.path}")
def test_each_route_answers_its_own_address(route: APIRoute) -> None:
    """`/events/stream` is a stream, and no event of the id `stream`."""
    path = route.path
    for name in route.param_convertors:
        path = path.replace("{" + name + "}", ID)
    for method in route.methods:
        scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
        first = next(one for one in ROUTES if one.matches(scope)[0] is Match.FULL)
        assert first is route
