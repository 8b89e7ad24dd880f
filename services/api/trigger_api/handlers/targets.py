"""Create, replace, patch and delete a target, and exchange its secret: requests become commands.

What is secret is sealed before anything is published, and what could hold it in the clear is
refused before that: a field that no target has, a value that is no text.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trigger_api.domain.targets import requests
from trigger_api.domain.targets.sealing import Seals
from trigger_api.domain.triggers import creates
from trigger_api.handlers.outcomes import TargetOutcome, WithSecret
from trigger_contracts.commands import (
    CreateTarget,
    DeleteTarget,
    RotateTarget,
    TargetCommand,
    TargetDone,
    UpdateTarget,
    new_target_id,
)
from trigger_contracts.errors import Code, refused
from trigger_contracts.idempotency import SecretClaim, read_claim
from trigger_contracts.subjects import Verb
from trigger_contracts.targets import fields as target_fields
from trigger_contracts.targets.sealing import is_sealed
from trigger_contracts.targets.secrets import new_secret
from trigger_contracts.targets.target import Rules, accepted

from .asking import ask
from .command_ports import CommandPorts
from .target_addresses import AddressCheck
from .triggers import envelope, must_be_a_patch


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a target or a secret, and under which idempotency key, if any."""

    actor: str
    key_id: str
    key: str | None


@dataclass(frozen=True, slots=True)
class _Begun:
    """A request that makes a secret, as all that are sent under its key share it."""

    accepted_at: datetime
    sealed: str | None
    is_first: bool


class TargetCommands:
    """Create, replace, patch, delete and rotate."""

    def __init__(
        self, ports: CommandPorts, rules: Rules, seals: Seals, addresses: AddressCheck
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._seals = seals
        self._addresses = addresses

    async def create(self, fields: Any, asked: Asked) -> WithSecret:
        """A create repeated under its idempotency key answers as the first one did, without the
        secret.
        """
        command_id = self._command_id("create-target", asked)
        found = await self._found(command_id, asked)
        if found is not None:
            _must_match(found, await _body_hash(fields, command_id))
        wanted = requests.new_target(fields, _no_rules if found else self._rules)
        if found is None:
            await self._addresses.check(wanted.definition.url)
        secret = wanted.secret or new_secret() if wanted.is_signed else None

        def seal(accepted_at: datetime) -> str | None:
            target_id = new_target_id(command_id, accepted_at)
            return None if secret is None else self._seals.secret(secret, target_id)

        begun = await self._begin(command_id, fields, asked, found, seal)
        target_id = new_target_id(command_id, begun.accepted_at)
        command = CreateTarget.model_validate(
            {
                **self._seals.headers(wanted.fields, target_id),
                **envelope(command_id, begun.accepted_at, asked.actor),
                "target_id": target_id,
                "secret": begun.sealed,
            }
        )
        outcome = await self._ask(Verb.CREATE_TARGET, command, target_id)
        return WithSecret(outcome, secret if begun.is_first else None)

    async def replace(
        self, target_id: str, fields: Any, actor: str, expected_version: int | None
    ) -> TargetOutcome:
        target_fields.no_secret(fields)
        definition = accepted(fields, self._rules)
        await self._addresses.check(definition.url)
        command = UpdateTarget(
            **envelope(self._ports.new_id(), self._ports.clock.now(), actor),
            target_id=target_id,
            expected_version=expected_version,
            definition=self._seals.headers(fields, target_id),
        )
        return await self._ask(Verb.UPDATE_TARGET, command, target_id)

    async def patch(
        self, target_id: str, fields: Any, actor: str, expected_version: int | None
    ) -> TargetOutcome:
        """What the result of merging is worth depends on the stored target: the scheduler's."""
        must_be_a_patch(fields)
        target_fields.no_secret(fields)
        target_fields.check_patch(fields)
        await self._addresses.check(fields.get("url"))
        command = UpdateTarget(
            **envelope(self._ports.new_id(), self._ports.clock.now(), actor),
            target_id=target_id,
            expected_version=expected_version,
            patch=self._seals.headers(fields, target_id),
        )
        return await self._ask(Verb.UPDATE_TARGET, command, target_id)

    async def rotate(
        self, target_id: str, fields: Any, asked: Asked, expected_version: int | None
    ) -> WithSecret:
        """As ``create``: a repetition is answered without the secret."""
        wanted = requests.rotation(fields)
        command_id = self._command_id(f"rotate-target {target_id}", asked)
        found = await self._found(command_id, asked)
        secret = wanted.secret or new_secret()

        def seal(_: datetime) -> str | None:
            return self._seals.secret(secret, target_id)

        begun = await self._begin(command_id, fields, asked, found, seal)
        command = RotateTarget.model_validate(
            {
                **envelope(command_id, begun.accepted_at, asked.actor),
                "target_id": target_id,
                "expected_version": expected_version,
                "secret": begun.sealed,
                "overlap": wanted.overlap,
            }
        )
        outcome = await self._ask(Verb.ROTATE_TARGET, command, target_id)
        is_shown = begun.is_first and not is_sealed(secret)
        return WithSecret(outcome, secret if is_shown else None)

    async def delete(
        self, target_id: str, actor: str, expected_version: int | None
    ) -> TargetOutcome:
        command = DeleteTarget(
            **envelope(self._ports.new_id(), self._ports.clock.now(), actor),
            target_id=target_id,
            expected_version=expected_version,
        )
        return await self._ask(Verb.DELETE_TARGET, command, target_id)

    def _command_id(self, what: str, asked: Asked) -> str:
        if asked.key is None:
            return self._ports.new_id()
        return creates.command_id(asked.key_id, asked.key, what)

    async def _found(self, command_id: str, asked: Asked) -> SecretClaim | None:
        """What the first request under the key has claimed."""
        if asked.key is None:
            return None
        value = await self._ports.claims.find(creates.store_key(command_id))
        return None if value is None else read_claim(SecretClaim, value)

    async def _begin(
        self,
        command_id: str,
        fields: Any,
        asked: Asked,
        found: SecretClaim | None,
        seal: Callable[[datetime], str | None],
    ) -> _Begun:
        """All requests under one key publish the secret of the first, whichever is handled first:
        that one was shown. Raises ``Refused`` for another body, and uses up no key then.
        """
        if asked.key is None:
            now = self._ports.clock.now()
            return _Begun(now, seal(now), is_first=True)
        body_hash = await _body_hash(fields, command_id)
        if found is None:
            now = self._ports.clock.now()
            mine = SecretClaim(accepted_at=now, body_hash=body_hash, secret=seal(now))
            value = await self._ports.claims.reserve(
                creates.store_key(command_id), mine.model_dump_json().encode()
            )
            found = read_claim(SecretClaim, value)
            is_first = found == mine
        else:
            is_first = False
        _must_match(found, body_hash)
        return _Begun(found.accepted_at, found.secret, is_first=is_first)

    async def _ask(self, verb: Verb, command: TargetCommand, target_id: str) -> TargetOutcome:
        return await ask(self._ports, verb, command, target_id, TargetDone)


async def _body_hash(fields: Any, salt: str) -> str:
    return await asyncio.to_thread(requests.body_hash, fields, salt)


def _must_match(claim: SecretClaim, body_hash: str) -> None:
    if claim.body_hash != body_hash:
        detail = "this Idempotency-Key was used with another request"
        raise refused(Code.IDEMPOTENCY_MISMATCH, detail)


def _no_rules(_: Any) -> None:
    """A request that was accepted is repeated, whatever the settings say since."""
