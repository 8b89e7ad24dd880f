"""The private keys to which secrets of targets are sealed: for who delivers, and who reseals."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from trigger_contracts.targets.sealing import OpeningKeys, SealError, opening_keys

from .environment import EnvironmentSettings

_BETWEEN = re.compile(r"[\s,]+")


def keys_in(text: SecretStr) -> OpeningKeys:
    """Raises SealError, which quotes nothing of the text."""
    return opening_keys([one for one in _BETWEEN.split(text.get_secret_value()) if one])


def checked_keys(text: SecretStr) -> SecretStr:
    """For a setting: raises ValueError where they are none."""
    try:
        keys_in(text)
    except SealError as error:
        raise ValueError(str(error)) from None
    return text


class OpeningKeySettings(EnvironmentSettings):
    """None may be given: then no secret opens, and what needs one waits."""

    sealing_keys: Annotated[SecretStr, AfterValidator(checked_keys)] | None = Field(
        default=None,
        description="Private keys to which secrets of targets are sealed, separated by commas or "
        "line breaks: the current one first, whose public half is the gateway's "
        "`ETP_SEALING_PUBLIC_KEY`, then those that some are still sealed to. `etp sealing make` "
        "makes one. Without any, no webhook is sent.",
    )

    def opening_keys(self) -> OpeningKeys | None:
        """The keys, the current one first."""
        return None if self.sealing_keys is None else keys_in(self.sealing_keys)
