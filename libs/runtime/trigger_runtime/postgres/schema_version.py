"""Whether PostgreSQL's schemas are of a version that this process can work with.

Older than it needs: nothing is done before the admin step has brought them up to date. Newer by one
version: it works, and says so. Newer still: what it would write may be wrong there.
``check`` is for readiness; a worker is held back by ``wait``, and ends by ``watch`` where a schema
is replaced under it: its next start waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from trigger_contracts.schema_versions import MOST_AHEAD
from trigger_runtime.process.errors import (
    DatabaseNotProvisioned,
    DependencyUnavailable,
    Noted,
    NotReady,
)
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

EVERY = timedelta(seconds=5)
"""Between two looks of a worker at work."""
HELD_BACK_S = 1.0
"""Between two looks of a worker that waits."""

ReadVersion = Callable[[str], Awaitable[int | None]]
"""A schema's version. Raises DependencyUnavailable; DatabaseNotProvisioned where it tells none."""


class SchemaCheck:
    """Compares the schemas that a process uses with what it ``needs``, by name."""

    def __init__(self, needs: Mapping[str, int], read: ReadVersion) -> None:
        self._needs = needs
        self._read = read
        self._said: str | None = None
        self._why: str | None = None
        """What PostgreSQL said where there was no version to be told."""

    async def check(self) -> None:
        """For readiness: raises NotReady where it cannot work with them, Noted where one is new."""
        unfit, ahead = self._judge(await self._versions())
        if unfit is not None:
            raise NotReady(unfit)
        if ahead is not None:
            raise Noted(ahead)

    async def wait(self) -> None:
        """Return once it can work with all of them."""
        while True:
            try:
                unfit, _ = self._judge(await self._versions())
            except DependencyUnavailable as error:
                self._say(f"PostgreSQL does not answer: {error}")
            else:
                if unfit is None:
                    return
            await asyncio.sleep(HELD_BACK_S)

    async def watch(self, end: Callable[[], None]) -> timedelta:
        """One look: calls ``end`` if a schema was replaced by one that it cannot work with."""
        try:
            found = await self._versions()
        except DependencyUnavailable:
            return EVERY  # Other checks tell that.
        unfit, _ = self._judge(found)
        # One that is gone comes back as it was: statements fail until then, and are tried again.
        if unfit is not None and None not in found.values():
            log.critical("the schema was replaced by another version", why=unfit)
            end()
        return EVERY

    def _judge(self, found: Mapping[str, int | None]) -> tuple[str | None, str | None]:
        """What is unfit, and what is newer than this process but will do; in words."""
        unfit = [
            told
            for schema, needed in self._needs.items()
            if (told := _unfit(schema, found[schema], needed)) is not None
        ]
        ahead = [
            f"ahead: {schema} is at version {version}; this was made for {self._needs[schema]}, "
            "and works on the next one"
            for schema, version in found.items()
            if version is not None and version > self._needs[schema]
        ]
        self._say("; ".join(unfit or ahead) or None)
        return "; ".join(unfit) or None, "; ".join(ahead) or None

    async def _versions(self) -> dict[str, int | None]:
        self._why = None
        return {schema: await self._version(schema) for schema in self._needs}

    async def _version(self, schema: str) -> int | None:
        try:
            return await self._read(schema)
        except DatabaseNotProvisioned as error:
            # For the log alone: it names a role, or a wrong password's.
            self._why = str(error)
            return None

    def _say(self, text: str | None) -> None:
        """Once, whoever asks how often."""
        if text != self._said and text is not None:
            log.warning("schema", said=text, **({"why": self._why} if self._why else {}))
        self._said = text


def _unfit(schema: str, found: int | None, needed: int) -> str | None:
    if found is None:
        return (
            f"behind: {schema} is not there, or may not be read, or is from before it told its "
            "version. etp provision brings it up to date"
        )
    if found < needed:
        return (
            f"behind: {schema} is at version {found}, and this needs {needed}. "
            "etp provision of this version brings it up to date"
        )
    if found > needed + MOST_AHEAD:
        return (
            f"ahead: {schema} is at version {found}, and this works up to {needed + MOST_AHEAD}. "
            "Run a newer version of the platform"
        )
    return None
