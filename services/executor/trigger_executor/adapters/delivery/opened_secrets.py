"""Secrets of targets in the clear, in this process's memory alone and for its life at most."""

import re
from collections import OrderedDict
from datetime import datetime

from trigger_contracts.errors import Refused
from trigger_contracts.targets.fields import MAX_HEADER_VALUE
from trigger_contracts.targets.sealing import (
    SECRET_FIELD,
    OpeningKeys,
    SealError,
    header_field,
)
from trigger_contracts.targets.secrets import key_of
from trigger_executor.domain.delivery.attempt import Attempt
from trigger_executor.domain.delivery.own_secrets import OwnSecrets
from trigger_executor.domain.delivery.request import valid_secrets

MAX_KEPT = 10_000
"""Targets whose secrets are kept open: as many as there may be."""

_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]+")

_Key = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...], str]


class SecretOpener:
    """Opens what the gateway sealed, once for each edit: an opening takes as long as a request."""

    def __init__(self, keys: OpeningKeys | None, max_kept: int = MAX_KEPT) -> None:
        """``keys``: None where none are given, and then nothing opens."""
        self._keys = keys
        self._max_kept = max_kept
        self._kept: OrderedDict[_Key, OwnSecrets] = OrderedDict()

    def open(self, attempt: Attempt, path: str, now: datetime) -> OwnSecrets:
        """Those that a request at ``now`` is made with; raises SealError if one does not open."""
        sealed = tuple(one.sealed for one in valid_secrets(attempt.secrets, now))
        headers = tuple(attempt.definition.secret_headers.items())
        key = (attempt.target_id, sealed, headers, path)
        opened = self._kept.get(key)
        if opened is None:
            opened = self._kept[key] = OwnSecrets(
                signing=tuple(self._signing(one, attempt.target_id) for one in sealed),
                headers={
                    name: self._header(value, attempt.target_id, name) for name, value in headers
                },
                path=path,
            )
        self._kept.move_to_end(key)
        while len(self._kept) > self._max_kept:
            self._kept.popitem(last=False)
        return opened

    def _signing(self, sealed: str, target_id: str) -> str:
        secret = self._opened(sealed, target_id, SECRET_FIELD)
        try:
            key_of(secret)
        except Refused:
            raise SealError("what it opens to is no secret") from None
        return secret

    def _header(self, sealed: str, target_id: str, name: str) -> str:
        value = self._opened(sealed, target_id, header_field(name))
        # Whoever seals by NATS is checked by nobody before.
        if not _HEADER_VALUE.fullmatch(value) or len(value) > MAX_HEADER_VALUE:
            raise SealError("what it opens to is no header's value")
        return value

    def _opened(self, sealed: str, target_id: str, field: str) -> str:
        if self._keys is None:
            raise SealError("there is no key to open it with")
        return self._keys.open(sealed, target_id=target_id, field=field)
