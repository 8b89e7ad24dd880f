"""Targets of tests on fakes."""

from collections.abc import Sequence

from trigger_api.domain.targets.sealing import Seals
from trigger_api.handlers.target_addresses import AddressCheck
from trigger_api.handlers.trial_targets import TrialTargets
from trigger_contracts.targets.addresses import Address
from trigger_contracts.targets.sealing import OpeningKeys, new_key, opening_keys
from trigger_runtime.process.target_settings import TargetRuleSettings

KEYS: OpeningKeys = opening_keys([new_key()])


class NoNames:
    """Nobody's address is known."""

    async def addresses(self, name: str) -> Sequence[Address]:
        return []


def trial_targets() -> TrialTargets:
    settings = TargetRuleSettings()
    return TrialTargets(
        settings.target_rules(),
        Seals(KEYS.current),
        AddressCheck(NoNames(), settings.allowance()),
    )
