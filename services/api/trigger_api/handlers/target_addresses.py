"""Whether the name in a webhook's URL leads to where nothing may be sent: asked when it is written.

Only to tell whoever writes it: attempts ask again, and hold the connection to the answer.
"""

import asyncio

from trigger_api.ports.targets import HostNames
from trigger_contracts.targets.addresses import Allowance
from trigger_contracts.targets.url import check_resolved, parse_url

LOOKUP_TIMEOUT_S = 2.0
"""Somebody waits for the answer; a name that is not known by then is accepted."""


class AddressCheck:
    """Looks a name up for a moment, and judges what it leads to."""

    def __init__(
        self, names: HostNames, allowance: Allowance, *, timeout_s: float = LOOKUP_TIMEOUT_S
    ) -> None:
        self._names = names
        self._allowance = allowance
        self._timeout_s = timeout_s

    async def check(self, text: str | None) -> None:
        """Raises ``Refused``. What is wrong with a URL by itself was said before."""
        if text is None:
            return
        url = parse_url(text)
        if url.name is None or self._allowance.allows_name(url.name, url.port):
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._names.addresses(url.name)
        except TimeoutError:
            return
        check_resolved(url, self._allowance, found)
