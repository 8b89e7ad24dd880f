"""How settings are read from ``ETP_*`` variables, and secrets also from files that these name.

Knows no setting: those are fields of classes that inherit from ``EnvironmentSettings``.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from . import secret_files
from .setting_words import is_among

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SHORT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = re.compile(r"\d+(?:\.\d+)?")


def parse_duration(value: Any) -> Any:
    """``30s``, ``2m``, ``1h30m``, ``48h``, plain seconds; the rest (ISO 8601) is pydantic's."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=float(text))
    parts = _SHORT.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), Field(gt=timedelta())]
"""A positive length of time, written as in the broker's own configuration: ``"30s"``, ``"48h"``."""


PREFIX = "ETP_"

UNUSABLE = "secret_file"
"""The type of pydantic's error about a secret that cannot be had from its file."""


@dataclass(frozen=True, slots=True)
class Formerly:
    """Marks a field that had another name: for a version that is understood, too, and is said."""

    name: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


@dataclass(frozen=True, slots=True)
class AlsoFromFile:
    """Marks a field that is no secret and may be given by a file as secrets may."""


@dataclass(frozen=True, slots=True)
class Names:
    """The variables that give one field."""

    variable: str
    file: str | None
    """Names a file that holds the value: for secrets."""
    others: tuple[str, ...]
    """Former names, and what others call it."""

    @classmethod
    def of(cls, name: str, field: FieldInfo) -> "Names":
        variable = PREFIX + name.upper()
        alias = field.validation_alias
        aliases = alias.choices if isinstance(alias, AliasChoices) else []
        # One of them is the field's own name, for Python.
        called = [one for one in aliases if isinstance(one, str) and one not in {variable, name}]
        former = [one.variable for one in field.metadata if isinstance(one, Formerly)]
        from_file = is_among(field.annotation, SecretStr) or any(
            isinstance(one, AlsoFromFile) for one in field.metadata
        )
        return cls(
            variable, variable + secret_files.SUFFIX if from_file else None, (*called, *former)
        )

    @property
    def all(self) -> tuple[str, ...]:
        return (self.variable, *((self.file,) if self.file else ()), *self.others)


class SecretFiles(PydanticBaseSettingsSource):
    """The values of those ``ETP_<FIELD>_FILE`` that are set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        names = Names.of(field_name, field)
        alias = field.validation_alias
        key = alias.choices[0] if isinstance(alias, AliasChoices) else field_name
        environment = {name.upper(): value for name, value in os.environ.items()}
        found = (
            secret_files.find(names.variable, environment, *names.others) if names.file else None
        )
        return found, str(key), False

    def __call__(self) -> dict[str, Any]:
        found = (
            self.get_field_value(field, name)
            for name, field in self.settings_cls.model_fields.items()
        )
        return {key: value for value, key, _ in found if value is not None}


class EnvironmentSettings(BaseSettings):
    """Immutable, from ``ETP_*``; variables that no field names are other services' and ignored.

    A secret may also be in a file, which ``ETP_<FIELD>_FILE`` names.
    """

    # What is refused may be a secret, or hold one: it is not quoted at the start.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names its arguments
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # Files first: where both are given, theirs is the value that says so.
        return init_settings, SecretFiles(settings_cls), env_settings

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_had(cls, value: Any) -> Any:
        if isinstance(value, secret_files.NoSecret):
            raise PydanticCustomError(UNUSABLE, "{reason}", {"reason": value.reason})
        return value

    @model_validator(mode="before")
    @classmethod
    def _from_former_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = {former.variable: name for name, former in cls._former() if name not in values}
        found = {name: os.environ[old] for old, name in given.items() if old in os.environ}
        return {**values, **found}

    def outdated(self) -> dict[str, str]:
        """Variables of this environment under names that go with the next version: old to new."""
        return {
            former.variable: PREFIX + name.upper()
            for name, former in self._former()
            if former.variable in os.environ
        }

    @classmethod
    def _former(cls) -> Iterator[tuple[str, Formerly]]:
        for name, field in cls.model_fields.items():
            for one in field.metadata:
                if isinstance(one, Formerly):
                    yield name, one
