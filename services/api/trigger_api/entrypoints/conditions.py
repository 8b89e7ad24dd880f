"""The versions that a write demands by ``If-Match`` and ``If-None-Match``."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from trigger_api.domain.triggers.etags import check_none_match, expected_version

from .routes import header, header_parameter, no_such

CONDITIONS = [
    header_parameter(
        "If-Match",
        'The version that is to be changed, as its ETag: `"3"`. Another one: 412. '
        "A list may name one version only: more get 422.",
    ),
    header_parameter(
        "If-None-Match", "Versions that it must not have: 412 if it does; `*`: any version."
    ),
]
"""The parameters, for OpenAPI."""


async def condition(
    request: Request,
    what: str,
    own_id: str,
    find_version: Callable[[], Awaitable[int | None]],
) -> int | None:
    """The version that must be there when the command is applied, if any; raises ``Refused``.

    What a trigger or target (``what``) must not be is asked of the view by ``find_version``, and
    then held to what was found there.
    """
    expected = expected_version(header(request, "if-match"))
    if_none_match = header(request, "if-none-match")
    if if_none_match is None:
        return expected
    found = await find_version()
    if found is None:
        raise no_such(what, own_id)
    check_none_match(if_none_match, found)
    return found if expected is None else expected
