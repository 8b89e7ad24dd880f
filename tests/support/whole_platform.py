"""The platform as its users meet it: a real ``etp up``, and every door into it.

One ``Platform`` is one data directory. It starts, stops, kills and stops-in-its-tracks real
processes; it never reaches into a service. Tests that ask it a question over REST, NATS or SQL
get what any client would get.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import psutil
from nats.aio.client import Client
from pydantic import SecretStr

from tests.support.eventually import eventually
from tests.support.new_cluster import new_cluster
from trigger_admin.installation import ADMIN, Installation
from trigger_api.domain.keys import parse_stored
from trigger_api.domain.sessions import SessionCookie
from trigger_contracts import subjects
from trigger_contracts.subjects import Verb
from trigger_local import ports, secrets
from trigger_local import status as status_of
from trigger_local.home import Home
from trigger_local.state import State
from trigger_runtime.jetstream.client import OrderlyClient
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.settings import NatsSettings

ETP = (str(Path(sys.executable).with_name("etp")),)

TIMEOUT = 90.0
"""Seconds until everything is ready: a start takes 4 s alone, and the machine may be shared."""

SERVICES = ("api", "scheduler", "executor", "deliver", "retention")
"""As ``etp up`` runs them: the executor's second role is a process of its own."""
SERVERS = ("nats", "postgres")
NAMES = (*SERVERS, *SERVICES)

_BROKEN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
"""A connection that outlived its server: it was killed, or stopped, since."""

Json = dict[str, Any]


def now() -> datetime:
    return SystemClock().now()


def ahead(seconds: float) -> str:
    """An instant so many seconds from now, as a client writes it."""
    return text(now() + timedelta(seconds=seconds))


def text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


class Platform:
    """One data directory with its ``etp up``."""

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str] | None = None,
        etp: Sequence[str] = ETP,
    ) -> None:
        self.root = root
        self.port = ports.choose_free(set())
        self.printed = root.with_name("printed")
        self.status: Json = {}
        self._environment = dict(environment or {})
        self._etp = etp
        self._process: asyncio.subprocess.Process | None = None
        self._rest: httpx.AsyncClient | None = None
        self._kept: list[asyncpg.Connection] = []

    async def up(self, *options: str) -> None:
        """Start ``etp up`` and wait until all is ready; ``status`` is what ``etp status`` says."""
        await asyncio.to_thread(new_cluster, self.root)
        with self.printed.open("ab") as printed:
            self._process = await asyncio.create_subprocess_exec(
                *(*self._etp, "up", "--port", str(self.port), "--data-dir", str(self.root)),
                *options,
                env={**os.environ, **self._environment},
                stdout=printed,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        await self.until_ready()

    async def down(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal ``etp up``; its exit code."""
        assert self._process is not None
        if self._rest is not None:
            await self._rest.aclose()
            self._rest = None
        while self._kept:
            self._kept.pop().terminate()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        return await asyncio.wait_for(self._process.wait(), TIMEOUT)

    async def call(self, command: str, *arguments: str) -> tuple[int, str]:
        """Another ``etp`` command on this data directory: exit code, and what it printed.

        A command may be of two words.
        """
        process = await asyncio.create_subprocess_exec(
            *(*self._etp, *command.split(), "--data-dir", str(self.root), *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await asyncio.wait_for(process.communicate(), TIMEOUT)
        assert process.returncode is not None
        return process.returncode, printed.decode()

    @property
    def up_is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def look(self) -> Json:
        """What ``etp status --json`` prints, without starting a process for it."""
        return (await status_of.read(Home(self.root))).as_json()

    async def until_ready(self, *, without: Mapping[str, int] | None = None) -> Json:
        """Wait until everything is ready, and nothing runs under any of these pids."""
        old = set((without or {}).items())

        async def ready() -> Json | None:
            if not self.up_is_running:
                return {"ended": True}
            seen = await self.look()
            return seen if seen["ready"] and not old & set(seen["pids"].items()) else None

        seen = await eventually(ready, within=TIMEOUT, poll=0.2, what="the platform is ready")
        assert seen is not None
        assert "ended" not in seen, f"etp up ended: {self.printed.read_text()[-4000:]}"
        self.status = {**self.status, **seen}
        return seen

    # Processes.

    def pids(self) -> dict[str, int]:
        """Of everything that runs, without asking any of it whether it is ready."""
        state = State.read(Home(self.root))
        assert state is not None
        found = {name: known.find() for name, known in state.processes.items() if known}
        return {name: process.pid for name, process in found.items() if process}

    def signal(self, name: str, number: signal.Signals) -> int:
        """Signal a program and what it started itself; returns the program's pid."""
        if name == "supervisor":
            assert self._process is not None
            self._process.send_signal(number)
            return self._process.pid
        state = State.read(Home(self.root))
        known = state.processes[name] if state else None
        process = known.find() if known else None
        assert process is not None, f"{name} does not run"
        # PostgreSQL's backends answer by themselves, whatever became of their parent.
        own = process.children(recursive=True) if name == "postgres" else []
        for one in (process, *own):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(number)
        pid: int = process.pid
        return pid

    async def kill(self, *names: str) -> dict[str, int]:
        """SIGKILL programs; returns the pids that died, and fails if one did not."""
        killed = {name: self.signal(name, signal.SIGKILL) for name in names}

        def gone() -> bool:
            return not any(_runs(pid) for pid in killed.values())

        await eventually(gone, what=f"{killed} are dead")
        return killed

    @contextlib.asynccontextmanager
    async def hung(self, *names: str) -> AsyncIterator[None]:
        """Programs stopped in their tracks: connections stay open and nobody answers."""
        for name in names:
            self.signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                self.signal(name, signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def gone(self, *names: str) -> AsyncIterator[None]:
        """Programs killed, and not started again until the end."""
        self.signal("supervisor", signal.SIGSTOP)
        try:
            await self.kill(*names)
            yield
        finally:
            self.signal("supervisor", signal.SIGCONT)

    # REST.

    @property
    def rest(self) -> httpx.AsyncClient:
        """A client with the API key."""
        if self._rest is None:
            self._rest = self.new_rest()
        return self._rest

    def session(self, begun: datetime, key_hash: str | None = None) -> tuple[str, str]:
        """Name and value of the cookie that the gateway would have given then; ``key_hash``: to
        whom has this key, as it is stored."""
        kept = self._secrets
        cookie = SessionCookie.of(kept.session.encode(), port=self.port, is_secure=False)
        _, line = cookie.begin(parse_stored(key_hash or kept.api_key_hash), begun)
        name, _, value = line.partition(";")[0].partition("=")
        return name, value

    def new_rest(self, **options: Any) -> httpx.AsyncClient:
        headers = {"X-API-KEY": self.status["api_key"]}
        return httpx.AsyncClient(
            base_url=self.status["url"], **{"headers": headers, "timeout": 30, **options}
        )

    async def create(self, **fields: Any) -> Json:
        response = await self.rest.post("/triggers/", json=fields)
        assert response.status_code == 201, response.text
        return response.json()

    async def fire(self, trigger_id: str, **body: Any) -> str:
        response = await self.rest.post(f"/triggers/{trigger_id}/fire", json=body)
        assert response.status_code == 202, response.text
        return response.json()["event_id"]

    async def events(self, **query: Any) -> list[Json]:
        """Every page of GET /events/, the newest first."""
        rows: list[Json] = []
        address, asked = "/events/", {**query, "limit": 500}
        while True:
            response = await self.rest.get(address, params=asked or None)
            assert response.status_code == 200, response.text
            rows += response.json()
            if "next" not in response.links:
                return rows
            address, asked = response.links["next"]["url"], {}

    async def until_events(self, count: int, within: float = 30, **query: Any) -> list[Json]:
        """Wait until GET /events/ shows at least so many; returns all."""

        async def enough() -> list[Json] | None:
            rows = await self.events(**query)
            return rows if len(rows) >= count else None

        rows = await eventually(enough, within=within, what=f"{count} events of {query}")
        assert rows is not None
        return rows

    # NATS.

    async def nats(self, user: str = "client", **options: Any) -> Client:
        """A connection as this NATS user; the caller closes it."""
        password = self._secrets.nats[user]
        settings: Json = {
            "user": user,
            "password": password,
            "inbox_prefix": subjects.inbox_prefix(user),
            "reconnect_time_wait": 0.1,
            "max_reconnect_attempts": -1,
            "ping_interval": 2,
            "error_cb": _ignore,
        }
        # Its ``flush`` is a barrier; that of nats-py's own client overtakes what waits to be sent.
        client = OrderlyClient()
        await client.connect(self._nats_url, **{**settings, **options})
        return client

    @contextlib.asynccontextmanager
    async def connected(self, user: str = "client", **options: Any) -> AsyncIterator[Client]:
        client = await self.nats(user, **options)
        try:
            yield client
        finally:
            await client.close()

    async def send(
        self, client: Client, verb: Verb | str, body: Any, headers: dict[str, str] | None = None
    ) -> int:
        """Publish a command as it is; returns its place in the stream."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        ack = await client.jetstream(timeout=10).publish(
            f"trigger.command.{verb}", raw, headers=headers
        )
        return ack.seq

    async def ask(
        self,
        client: Client,
        verb: Verb | str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        within: float = 30,
    ) -> Json:
        """Publish a command with ``reply_to``; returns what comes back."""
        reply_to = f"_INBOX_client.{new_id()}"
        waiting = await client.subscribe(reply_to)
        await self.send(client, verb, body, {**(headers or {}), subjects.REPLY_TO_HEADER: reply_to})
        answer: Json = json.loads((await waiting.next_msg(timeout=within)).data)
        await waiting.unsubscribe()
        return answer

    async def stored(self, stream: str, subject: str = ">") -> list[StoredMessage]:
        """Every message of a stream."""
        settings = NatsSettings(
            nats_url=self._nats_url,
            nats_user="admin",
            nats_password=SecretStr(self._secrets.nats["admin"]),
        )
        admin = Connection(settings, "admin")
        await admin.connect()
        try:
            reader = StreamReader(admin, stream, timeout=timedelta(seconds=30))
            found: list[StoredMessage] = []
            while page := await reader.after(found[-1].seq if found else 0, subject, 1000):
                found += page
            return found
        finally:
            await admin.close()

    async def unreadable(self) -> list[Json]:
        """What ``etp records list`` shows."""
        code, told = await self.call("records list", "--json")
        assert code == 0, told
        found: list[Json] = json.loads(told)
        return found

    async def dead_letters(self) -> list[Json]:
        """Those that stand: what says that one was handled is in the same stream, and is none."""
        found = [json.loads(message.payload) for message in await self.stored("TRIGGER_DEAD")]
        return [letter for letter in found if "subject" in letter]

    def logs(self) -> str:
        """What all its processes wrote."""
        return "".join(path.read_text(errors="replace") for path in (self.root / "logs").iterdir())

    async def evidence(self) -> str:
        """Where everything stands, for a failure's message: what a second run would not show."""
        said = [f"dead letters: {await self.dead_letters()}"]
        async with self.connected("admin") as admin:
            for stream in ("TRIGGER_COMMANDS", "TRIGGER_DUE", "TRIGGER_EVENTS"):
                said += [
                    f"{stream}/{one.name}: {one.num_pending} pending, {one.num_ack_pending} in hand"
                    for one in await admin.jetstream(timeout=10).consumers_info(stream)
                ]
        said += map(
            str,
            await self.query(
                "SELECT application_name, state, wait_event_type, wait_event,"
                " left(query, 120) AS said, clock_timestamp() - state_change AS since"
                " FROM pg_stat_activity WHERE application_name LIKE 'etp%'"
            ),
        )
        for path in sorted((self.root / "logs").iterdir()):
            said.append(f"--- {path.name}")
            said += path.read_text(errors="replace").splitlines()[-15:]
        return "\n".join(said)

    async def until_quiet(self, within: float = TIMEOUT) -> None:
        """Wait until no consumer has anything left to handle."""
        async with self.connected("admin") as admin:
            jetstream = admin.jetstream(timeout=10)

            async def idle() -> bool:
                for stream in ("TRIGGER_COMMANDS", "TRIGGER_DUE", "TRIGGER_EVENTS"):
                    for consumer in await jetstream.consumers_info(stream):
                        if consumer.num_pending or consumer.num_ack_pending:
                            return False
                return True

            await eventually(idle, within=within, poll=0.1, what="every consumer is idle")

    # PostgreSQL.

    def database_url(self, role: str) -> str:
        """The platform's database, entered as one of its roles."""
        at = urlsplit(self.status["database_url"])
        host = at.netloc.rpartition("@")[2]
        return urlunsplit(at._replace(netloc=f"{role}:{self._secrets.postgres[role]}@{host}"))

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection as the superuser."""
        connection = await asyncpg.connect(self.status["database_url"], timeout=30)
        try:
            yield connection
        finally:
            await connection.close()

    async def query(self, sql: str, *arguments: Any) -> list[Json]:
        """As the superuser, on a connection that is kept: to sign in takes longer than to ask."""
        while self._kept:
            with contextlib.suppress(*_BROKEN):
                return await self._ask(self._kept.pop(), sql, arguments)
        connection = await asyncpg.connect(
            # Nothing is remembered of tables that may be made anew.
            self.status["database_url"],
            timeout=30,
            statement_cache_size=0,
        )
        return await self._ask(connection, sql, arguments)

    async def _ask(
        self, connection: asyncpg.Connection, sql: str, arguments: Sequence[Any]
    ) -> list[Json]:
        try:
            rows = await connection.fetch(sql, *arguments, timeout=TIMEOUT)
        except BaseException:
            connection.terminate()
            raise
        self._kept.append(connection)
        return [dict(row) for row in rows]

    async def log_rows(self, trigger_id: str | None = None) -> list[Json]:
        """The table of the log itself, in the order of its ids."""
        return await self.query(
            "SELECT * FROM retention.event WHERE $1::text IS NULL OR trigger_id = $1"
            " ORDER BY event_id",
            trigger_id,
        )

    # What the data directory knows.

    @property
    def _secrets(self) -> secrets.Secrets:
        kept = secrets.load(Home(self.root))
        assert kept is not None
        return kept

    @property
    def servers(self) -> Installation:
        """As an administrator's command is told them."""
        return Installation(self._nats_url, self._secrets.nats[ADMIN], self.status["database_url"])

    @property
    def _nats_url(self) -> str:
        return f"nats://127.0.0.1:{self.status['processes']['nats']['port']}"


@contextlib.asynccontextmanager
async def running(
    *options: str,
    environment: Mapping[str, str] | None = None,
    etp: Sequence[str] = ETP,
) -> AsyncIterator[Platform]:
    """A platform of one's own, ready; nothing of it is left afterwards.

    ``etp`` is the command, if it is another one than ours.
    """
    # Not pytest's own temporary directory: as root, the database's user could not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    platform = Platform(folder / "home", environment, etp)
    try:
        await platform.up(*options)
        yield platform
    finally:
        if platform.up_is_running:
            await platform.down(signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)


def distinct(values: Iterable[Any]) -> bool:
    listed = list(values)
    return len(set(listed)) == len(listed)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _ignore(_error: Exception) -> None:
    """Connections break in these tests; what matters shows in what is asked."""
