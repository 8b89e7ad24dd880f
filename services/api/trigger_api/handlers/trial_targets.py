"""Targets of tests: there already, or written out in the test and gone with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trigger_api.domain.targets import requests
from trigger_api.domain.targets.sealing import Seals
from trigger_contracts.commands import id_of_test_target
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.ids import is_valid_id
from trigger_contracts.targets.in_tests import PLACE, under_target
from trigger_contracts.targets.secrets import new_secret
from trigger_contracts.targets.target import Rules

from .target_addresses import AddressCheck


@dataclass(frozen=True, slots=True)
class TrialTarget:
    """What a test's command carries, and the secret that was made for it, if one was."""

    target: str | dict[str, Any]
    secret: str | None = None


class TrialTargets:
    """Checks and seals what a test is delivered to, as if it were created."""

    def __init__(self, rules: Rules, seals: Seals, addresses: AddressCheck) -> None:
        self._rules = rules
        self._seals = seals
        self._addresses = addresses

    async def prepare(self, given: Any, command_id: str, accepted_at: datetime) -> TrialTarget:
        """Raises ``Refused``, with pointers under ``/target``."""
        if isinstance(given, str) and is_valid_id(given):
            return TrialTarget(given)
        if not isinstance(given, dict):
            detail = "must be the id of a target, or one written out"
            raise refused(Code.INVALID, detail, pointer=PLACE)
        try:
            return await self._written_out(given, id_of_test_target(command_id, accepted_at))
        except Refused as refusal:
            raise under_target(refusal) from None

    async def _written_out(self, given: Mapping[str, Any], target_id: str) -> TrialTarget:
        wanted = requests.new_target(given, self._rules)
        await self._addresses.check(wanted.definition.url)
        sealed = self._seals.headers(wanted.fields, target_id)
        if not wanted.is_signed:
            return TrialTarget(sealed)
        made = None if wanted.secret is not None else new_secret()
        secret = self._seals.secret(wanted.secret or made or "", target_id)
        return TrialTarget({**sealed, "secret": secret}, made)
