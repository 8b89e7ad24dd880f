"""Claims of idempotency keys in the platform's 48 h store, shared with the gateway."""

from typing import Protocol

from trigger_contracts.idempotency import Claim, read_claim, store_key


class Store(Protocol):
    """What the runtime's ``IdempotencyStore`` offers: create-only writes of bytes."""

    async def find(self, key: str) -> bytes | None: ...
    async def reserve(self, key: str, value: bytes) -> bytes: ...


class StoredClaims:
    """``ports.KeyReservations`` in the store that the gateway claims keys in, too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, trigger_id: str, key: str) -> Claim | None:
        value = await self._store.find(store_key(trigger_id, key))
        return None if value is None else read_claim(Claim, value)

    async def reserve(self, trigger_id: str, key: str, claim: Claim) -> Claim:
        value = claim.model_dump_json().encode()
        return read_claim(Claim, await self._store.reserve(store_key(trigger_id, key), value))
