"""POST /targets/{id}/test: one attempt now, answered with what came of it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from trigger_api.ports.targets import TargetProbes
from trigger_contracts.deliveries.probes import ProbeOutcome
from trigger_contracts.errors import Code, Problem, Refused, refused

from . import routes
from .answers import HttpAnswer
from .bodies import Bodies
from .openapi import answers
from .openapi import bodies as request_bodies
from .routes import checked_id, headers_of

_TEST = """Test a target: a test event is sent to it now, and the answer says what came of that.

The attempt waits for nothing that waits there, and the log does not have it. It is signed and
bounded like every other one, so the answer may take as long as the target's `timeout`. Where it
delivers, what waits is looked at soon, also after failures. Once a second; the body is empty.
"""


def router(probes: TargetProbes, bodies: Bodies) -> APIRouter:
    """Tests of targets."""

    async def test(request: Request, target_id: str) -> Response:
        own_id = checked_id(target_id, "target")
        if await bodies.optional_json(headers_of(request), request.receive) not in (None, {}):
            raise refused(Code.INVALID, "nothing may be given", pointer="")
        found = await probes.probe(own_id)
        if isinstance(found, Problem):
            raise Refused(found)
        shown = found.model_dump_json(exclude={"schema_version"})
        return HttpAnswer(200, shown.encode()).response()

    router = APIRouter(tags=["targets"])
    routes.add(
        router,
        "POST",
        "/targets/{target_id}/test",
        test,
        description=_TEST,
        operation_id="testTarget",
        refuses=(429,),
        responses={200: answers.json(ProbeOutcome, "The attempt was made")},
        openapi_extra=request_bodies.body("NothingInput", {}, required=False),
    )
    return router
