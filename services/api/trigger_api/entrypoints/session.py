"""The routes under /session: sign in with a key, be told who one is, sign out."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.responses import Response

from trigger_api.domain.keys import SCOPES, key_id_of
from trigger_api.domain.schemas import SessionShown
from trigger_api.domain.sessions import Session
from trigger_api.ports.process import Clock
from trigger_contracts.errors import Code, Refused, from_validation, refused

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .identity import Callers
from .openapi import answers, headers
from .openapi import bodies as request_bodies
from .routes import headers_of


class _SignIn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: SecretStr = Field(description="As it is sent in X-API-KEY.")


def router(identity: Callers, bodies: Bodies, clock: Clock) -> APIRouter:
    """All three. Who asks, the gateway has found out: nobody, or the owner of a key."""

    async def show(request: Request) -> Response:
        """Who asks: never 401. `key_id` is null for nobody; `now` is the server's clock."""
        known = identity.of(headers_of(request), clock.now())
        if known is None:
            return _shown(None, None)
        return _shown(known.key_id, known.session)

    async def begin(request: Request) -> Response:
        """Exchange an API key for a cookie that no script can read."""
        fields = await bodies.json(headers_of(request), request.receive)
        if not isinstance(fields, dict):
            raise refused(Code.INVALID, "must be a JSON object", pointer="")
        try:
            asked = _SignIn.model_validate(fields)
        except ValidationError as error:
            raise Refused(from_validation(error)) from None
        key_id = key_id_of(asked.api_key.get_secret_value(), identity.keys)
        if key_id is None:
            raise refused(Code.UNAUTHORIZED, "this is no API key of this platform")
        session, line = identity.cookie.begin(identity.keys[key_id], clock.now())
        return _shown(key_id, session, {"set-cookie": line})

    async def end() -> Response:
        """Sign out: the cookie is taken back."""
        return HttpAnswer(204, headers={"set-cookie": identity.cookie.end()}).response()

    def _shown(
        key_id: str | None, session: Session | None, headers: dict[str, str] | None = None
    ) -> Response:
        shown = SessionShown(
            key_id=key_id,
            scopes=SCOPES if key_id is not None else (),
            expires_at=None if session is None else session.expires_at,
            now=clock.now(),
        )
        return HttpAnswer(200, shown.model_dump_json().encode(), headers=headers or {}).response()

    router = APIRouter(tags=["session"])
    path = "/session"
    routes.add(
        router,
        "GET",
        path,
        show,
        operation_id="getSession",
        responses={200: answers.json(SessionShown, "Who asks")},
    )
    routes.add(
        router,
        "POST",
        path,
        begin,
        operation_id="signIn",
        refuses=(401,),
        responses={200: answers.json(SessionShown, "Signed in", headers.SET_COOKIE)},
        openapi_extra=request_bodies.body("SignInInput", examples.SIGN_INS),
    )
    routes.add(
        router,
        "DELETE",
        path,
        end,
        status=204,
        operation_id="signOut",
        responses={204: answers.empty("Signed out", headers.SET_COOKIE)},
    )
    return router
