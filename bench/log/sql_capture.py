"""Which SQL the gateway sends for a question: recorded in its own code, with its parameters.

The same statements are then asked without a gateway, and explained.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.support.checks import expect
from bench.support.gateways import gateway_here
from bench.support.servers import Platform

GENERIC, CUSTOM = PLAN_MODES = ("force_generic_plan", "force_custom_plan")
"""One plan for all parameters, or one for each execution."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, as it went to the driver."""

    sql: str
    parameters: tuple[Any, ...]
    plan_mode: str
    """The session's ``plan_cache_mode``."""

    @property
    def shape(self) -> tuple[object, ...]:
        """Equal for statements that have the same plan."""
        return (self.sql, self.parameters if self.plan_mode == CUSTOM else ())


class SqlRecorder:
    """Records what the gateway in this process sends to PostgreSQL."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._modes: dict[Engine, str] = {}

    async def statements_of(self, path: str) -> list[Statement]:
        recorded: list[tuple[Engine, str, tuple[Any, ...]]] = []
        with _recording(recorded):
            answer = await self._http.get(path)
        # 503: the statement took too long, and was sent all the same.
        is_known = answer.status_code in {200, 503}
        expect(is_known, f"{path}: {answer.status_code} {answer.text[:300]}")
        expect(bool(recorded), f"{path}: nothing was sent to PostgreSQL")
        return [
            Statement(sql, parameters, await self._mode(engine))
            for engine, sql, parameters in recorded
        ]

    async def _mode(self, engine: Engine) -> str:
        if engine not in self._modes:
            async with AsyncEngine(engine).connect() as connection:
                mode = await connection.exec_driver_sql("SHOW plan_cache_mode")
                self._modes[engine] = str(mode.scalar_one())
        return self._modes[engine]


@contextlib.asynccontextmanager
async def recorder(servers: Platform) -> AsyncIterator[SqlRecorder]:
    built = await gateway_here(servers, cache_url="off")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(built.gateway),
        base_url="http://here",
        headers={"X-API-KEY": servers.api_key},
    ) as http:
        yield SqlRecorder(http)


@contextlib.contextmanager
def _recording(recorded: list[tuple[Engine, str, tuple[Any, ...]]]) -> Iterator[None]:
    def record(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        recorded.append((connection.engine, statement, tuple(parameters)))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", record)


class Bare:
    """Sessions as the gateway's, without a gateway: statements prepared once, then executed."""

    def __init__(self, sessions: dict[str, Any]) -> None:
        self._sessions = sessions
        self._prepared: dict[tuple[str, str], Any] = {}

    @property
    def backends(self) -> set[int]:
        return {session.get_server_pid() for session in self._sessions.values()}

    def session(self, statement: Statement) -> Any:
        return self._sessions[statement.plan_mode]

    async def ask(self, asked: Sequence[Sequence[Statement]], seconds: float) -> list[float]:
        """Milliseconds of each, in turn, for so long; a question may take several statements."""
        for statements in asked:
            for statement in statements:
                await self._statement(statement)
        took: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for statements in asked:
                started = time.perf_counter()
                for statement in statements:
                    await (await self._statement(statement)).fetch(*statement.parameters)
                took.append((time.perf_counter() - started) * 1000)
                if time.perf_counter() > end:
                    break
        return took

    async def _statement(self, statement: Statement) -> Any:
        key = (statement.plan_mode, statement.sql)
        if key not in self._prepared:
            self._prepared[key] = await self.session(statement).prepare(statement.sql)
        return self._prepared[key]


@contextlib.asynccontextmanager
async def bare(servers: Platform) -> AsyncIterator[Bare]:
    async with contextlib.AsyncExitStack() as stack:
        yield Bare(
            {
                mode: await stack.enter_async_context(
                    servers.database(plan_cache_mode=mode, timezone="UTC")
                )
                for mode in PLAN_MODES
            }
        )


def literal(value: Any) -> str:
    """A parameter as SQL text: ``EXECUTE`` takes no other."""
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return str(value)
        case datetime():
            return f"'{value.isoformat()}'"
        case timedelta():
            return f"'{value // timedelta(microseconds=1)} microseconds'"
        case UUID():
            return f"'{value}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case list() | tuple():
            return "ARRAY[" + ", ".join(map(literal, value)) + "]"
    raise TypeError(type(value).__name__)
