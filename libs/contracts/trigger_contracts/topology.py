"""The broker's streams, consumers, key-value buckets and permissions, declared once.

The admin step creates what is declared here and services only ever bind to it, so a
service cannot change how long the log lives. Durations are ``timedelta``.
"""

from dataclasses import dataclass
from datetime import timedelta

from . import subjects
from .subjects import Service, Verb
from .targets.nats_subjects import DEFAULT as DEFAULT_TARGET_SUBJECTS

LOG_LIFE = timedelta(hours=48)
"""How long a row of the log exists: 2 h active and 46 h archived."""

ACTIVE_LIFE = timedelta(hours=2)
"""How long a row of the log is active."""

DUPLICATE_WINDOW = timedelta(minutes=2)
"""The broker forgets a message id after this; consumers are idempotent by themselves beyond it."""

PIN_LIFE = timedelta(milliseconds=1200)
"""An exclusive consumer goes to another replica when its own has not been heard of for so long:
longer than the ack wait, so that what the other one had comes before what is newer."""

PIN_GROUP = "one"
"""The broker pins within a group; there is one."""

MAX_ACK_PENDING = 20_000
"""Messages a consumer may hold unacknowledged: 40 full batches of 500, or 20 of retention's."""

MAX_BODY_BYTES = 256 * 1024
"""Largest body of a REST request."""

MAX_COMMAND_BYTES = 2 * MAX_BODY_BYTES
"""Largest command, and largest merged payload: a body may be written longer in a command than it
came, and the broker's own limit (1 MiB) holds it with everything around it."""


MAX_WAITING_MESSAGES = 1000
"""How many messages may wait at a stream to be stored; the broker drops what comes beside them and
says so (error 10167). A sync each, they keep whoever comes after them waiting: seconds, at most."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A JetStream stream: file storage, limits retention.

    ``max_age`` None keeps messages until they are purged; ``message_ttl`` allows a
    single message to live shorter than ``max_age``; ``rollups`` allows one to remove those
    before it on its own subject; ``atomic_batches`` allows all or none of several to be stored.
    Into ``source``'s target the broker copies what the source stores, in order and each once.
    """

    name: str
    subjects: tuple[str, ...]
    max_age: timedelta | None
    message_ttl: bool = False
    rollups: bool = False
    atomic_batches: bool = True
    source: "StreamSource | None" = None


@dataclass(frozen=True, slots=True)
class StreamSource:
    """What a stream copies from another: subjects that match ``pattern`` become ``target``."""

    stream: Stream
    pattern: str
    target: str
    """With the server's ``{{wildcard(1)}}`` for what the pattern's first ``*`` stood for."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer with explicit acknowledgements, shared by a service's replicas.

    All that is decided about how its messages are taken stands here: the admin step makes the
    consumer of it, and the runtime handles them by it.
    """

    stream: Stream
    service: Service
    filters: tuple[str, ...]
    """The subjects that are handled."""

    exclusive: bool = False
    """One replica is given all messages, in order, until it is gone."""

    passes_over: bool = False
    """The broker hands over the whole stream, and what ``filters`` does not name is acknowledged
    and counted, no more: testing each message by filters costs the broker ten times as much as its
    delivery, which is worth it only where it spares more than it costs."""

    ack_wait: timedelta = timedelta(milliseconds=800)
    """A delivered message that is not acknowledged in this time is delivered again: with it,
    whatever a dead replica held is taken over within a second. Living ones begin it anew (the
    runtime's ``ack_extender``), so it bounds no handling; a second handling does no harm."""

    hung_after: timedelta = timedelta(seconds=30)
    """A handler without a sign of life for so long hangs, and others are given its messages: longer
    than every timeout within it."""

    max_failures: int = 5
    """Times that a message may fail by itself, in one process, before it is a dead letter."""

    part: str | None = None
    """Named where a service takes a stream by more than one consumer, each at its own pace."""

    @property
    def durable(self) -> str:
        return self.service.value if self.part is None else f"{self.service}-{self.part}"

    @property
    def broker_filters(self) -> tuple[str, ...]:
        """What the broker is to filter by; nothing where that lets the whole stream through."""
        return () if self.passes_over or self.filters == self.stream.subjects else self.filters

    def handles(self, subject: str) -> bool:
        return subjects.matches(subject, self.filters)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A key-value bucket, history 1; its keys vanish after ``ttl``."""

    name: str
    ttl: timedelta

    @property
    def stream(self) -> str:
        return f"KV_{self.name}"

    def subject(self, key: str) -> str:
        return f"$KV.{self.name}.{key}"


INGRESS = Stream(
    "TRIGGER_INGRESS",
    tuple(subjects.ingress(verb) for verb in Verb),
    # Gone before its copy is: the broker finds by the copies how far it has copied.
    max_age=LOG_LIFE - timedelta(hours=1),
    atomic_batches=False,
)
"""Commands of external users, on their way into ``COMMANDS``: a stream takes one message after the
other, each with its own sync, so whoever publishes thousands has others wait at that stream."""

COMMANDS = Stream(
    "TRIGGER_COMMANDS",
    tuple(subjects.command(verb) for verb in Verb),
    max_age=LOG_LIFE,
    message_ttl=True,
    source=StreamSource(INGRESS, subjects.ALL_INGRESS, "trigger.command.{{wildcard(1)}}"),
)
CHANGES = Stream(
    "TRIGGER_CHANGES",
    (subjects.ALL_CHANGED, subjects.ALL_TESTED),
    max_age=None,
    message_ttl=True,
)
TARGETS = Stream("TRIGGER_TARGETS", (subjects.ALL_TARGETS,), max_age=None)
DUE = Stream("TRIGGER_DUE", (subjects.ALL_DUE,), max_age=LOG_LIFE)
EVENTS = Stream("TRIGGER_EVENTS", subjects.ALL_EVENTS, max_age=LOG_LIFE, message_ttl=True)
DEAD = Stream(
    "TRIGGER_DEAD", (subjects.ALL_DEAD,), max_age=LOG_LIFE, message_ttl=True, rollups=True
)
STREAMS = (INGRESS, COMMANDS, CHANGES, TARGETS, DUE, EVENTS, DEAD)

_OF_DELIVERIES = (Verb.REDELIVER, Verb.CANCEL)
_OF_THE_EXECUTOR = (Verb.FIRE, *_OF_DELIVERIES)

SCHEDULER_COMMANDS = Consumer(
    COMMANDS,
    Service.SCHEDULER,
    tuple(subjects.command(verb) for verb in Verb if verb not in _OF_THE_EXECUTOR),
    exclusive=True,
)
EXECUTOR_FIRES = Consumer(COMMANDS, Service.EXECUTOR, (subjects.command(Verb.FIRE),))
EXECUTOR_DELIVERIES = Consumer(
    COMMANDS,
    Service.EXECUTOR,
    tuple(subjects.command(verb) for verb in _OF_DELIVERIES),
    part="deliveries",
)
"""For those who deliver: fires wait for none of it."""
EXECUTOR_DUES = Consumer(DUE, Service.EXECUTOR, (subjects.ALL_DUE,))
RETENTION_EVENTS = Consumer(EVENTS, Service.RETENTION, subjects.LOG_ROWS, passes_over=True)
RETENTION_DELIVERIES = Consumer(
    EVENTS, Service.RETENTION, (subjects.ALL_DELIVERY,), part="deliveries"
)
"""Beside the rows, which wait for no delivery's record, and are held up by none."""
CONSUMERS = (
    SCHEDULER_COMMANDS,
    EXECUTOR_FIRES,
    EXECUTOR_DELIVERIES,
    EXECUTOR_DUES,
    RETENTION_EVENTS,
    RETENTION_DELIVERIES,
)

WORKERS = tuple(dict.fromkeys(consumer.service for consumer in CONSUMERS))
"""The services that handle messages, and so may dead-letter them."""

IDEMPOTENCY = Bucket("IDEMPOTENCY", ttl=LOG_LIFE)
BUCKETS = (IDEMPOTENCY,)


PLATFORM_ACCOUNT = "ETP"
"""The broker's account in which the streams lie, and the services' users with them."""


@dataclass(frozen=True, slots=True)
class External:
    """A user of others than our services: alone in an account of its own, within these limits.

    What it publishes reaches the platform's account by a service import, and what it hears comes
    by stream imports. So a reply that it names is a subject of its own account, whatever it is
    called: the broker's acknowledgement never leaves that account.
    """

    account: str
    connections: int
    subscriptions: int
    """Of each connection."""
    payload: int
    """Bytes of a message with its headers."""


EXTERNALS = {
    "client": External("CLIENT", connections=32, subscriptions=128, payload=1024 * 1024),
    "reader": External("READER", connections=32, subscriptions=128, payload=1024),
}


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one NATS user may publish and subscribe to; everything else is refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def _consume(*consumers: Consumer) -> tuple[str, ...]:
    found = (
        subject.format(stream=c.stream.name, durable=c.durable)
        for c in consumers
        for subject in (
            "$JS.API.STREAM.INFO.{stream}",
            "$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
            "$JS.API.CONSUMER.INFO.{stream}.{durable}",
            # Since when the first one waits that is not acknowledged.
            "$JS.API.DIRECT.GET.{stream}",
            *(("$JS.API.CONSUMER.UNPIN.{stream}.{durable}",) if c.exclusive else ()),
            "$JS.ACK.{stream}.{durable}.>",
        )
    )
    return tuple(dict.fromkeys(found))


def _read(*streams: str) -> tuple[str, ...]:
    return tuple(
        subject.format(stream=stream)
        for stream in streams
        for subject in (
            "$JS.API.DIRECT.GET.{stream}",
            "$JS.API.DIRECT.GET.{stream}.>",
            "$JS.API.STREAM.MSG.GET.{stream}",
            "$JS.API.STREAM.INFO.{stream}",
        )
    )


def _write_dead_letters(service: Service) -> tuple[str, ...]:
    """Write and read dead letters, its own alone."""
    own = subjects.dead_letters(service)
    return own, f"$JS.API.DIRECT.GET.{DEAD.name}.{own}"


def _own_inbox(user: str) -> str:
    return f"{subjects.inbox_prefix(user)}.>"


_RESULTS = tuple(f"{prefix}.>" for prefix in subjects.RESULT_INBOXES)
_VERBS = tuple(subjects.command(verb) for verb in Verb)
_IDEMPOTENCY = (IDEMPOTENCY.subject(">"), *_read(IDEMPOTENCY.stream))


def permissions(target_subjects: tuple[str, ...]) -> dict[str, Permissions]:
    """What each user may do where NATS targets may publish to ``target_subjects``.

    Targets themselves are heard by no external user: their addresses may be secrets.
    """
    heard = (subjects.ALL_CHANGED, *subjects.ALL_EVENTS, *target_subjects)
    return {
        Service.API: Permissions(
            publish=(
                *_VERBS,
                subjects.EXECUTOR_PROBE,
                *_IDEMPOTENCY,
                *(subjects.redrive(service) for service in WORKERS),
                subjects.REDRIVE_DELIVERIES,
                *_read(EVENTS.name, DEAD.name),
                # Up to where the log is in the tables.
                f"$JS.API.CONSUMER.INFO.{RETENTION_EVENTS.stream.name}.{RETENTION_EVENTS.durable}",
            ),
            subscribe=(
                _own_inbox("api"),
                subjects.ALL_CHANGED,
                *subjects.ALL_EVENTS,
                subjects.ALL_ALIVE,
            ),
        ),
        Service.SCHEDULER: Permissions(
            publish=(
                subjects.ALL_CHANGED,
                subjects.ALL_TESTED,
                subjects.ALL_TARGETS,
                subjects.ALL_DUE,
                subjects.WAKE,
                subjects.alive(Service.SCHEDULER),
                *_write_dead_letters(Service.SCHEDULER),
                *_RESULTS,
                *_consume(SCHEDULER_COMMANDS),
                *_read(INGRESS.name, COMMANDS.name, CHANGES.name, TARGETS.name, DUE.name),
                # A version is erased once what was due under it is recorded.
                f"$JS.API.CONSUMER.INFO.{EXECUTOR_DUES.stream.name}.{EXECUTOR_DUES.durable}",
                f"$JS.API.STREAM.PURGE.{CHANGES.name}",
                f"$JS.API.STREAM.PURGE.{TARGETS.name}",
            ),
            subscribe=(_own_inbox("scheduler"), subjects.WAKE, subjects.redrive(Service.SCHEDULER)),
        ),
        Service.EXECUTOR: Permissions(
            publish=(
                subjects.ALL_FIRED,
                subjects.ALL_MISSED,
                subjects.ALL_REJECTED,
                subjects.ALL_DELIVERY,
                subjects.ALL_HEALTH,
                subjects.EXECUTOR_WAKE,
                subjects.alive(Service.EXECUTOR),
                *target_subjects,
                *_write_dead_letters(Service.EXECUTOR),
                *_RESULTS,
                *_consume(EXECUTOR_DUES, EXECUTOR_FIRES, EXECUTOR_DELIVERIES),
                *_read(CHANGES.name, TARGETS.name, EVENTS.name),
                *_IDEMPOTENCY,
            ),
            subscribe=(
                _own_inbox("executor"),
                # That there is something to read: what it says is read from the streams.
                subjects.ALL_TARGETS,
                subjects.ALL_DELIVERY,
                subjects.EXECUTOR_WAKE,
                subjects.EXECUTOR_PROBE,
                subjects.redrive(Service.EXECUTOR),
                subjects.REDRIVE_DELIVERIES,
            ),
        ),
        Service.RETENTION: Permissions(
            publish=(
                subjects.SWEPT,
                subjects.alive(Service.RETENTION),
                *_write_dead_letters(Service.RETENTION),
                _own_inbox("api"),
                *_consume(RETENTION_EVENTS, RETENTION_DELIVERIES),
            ),
            subscribe=(_own_inbox("retention"), subjects.redrive(Service.RETENTION)),
        ),
        "client": Permissions(
            publish=_VERBS,
            subscribe=(_own_inbox("client"), *heard),
        ),
        "reader": Permissions(
            publish=(),
            subscribe=(_own_inbox("reader"), *heard),
        ),
        "admin": Permissions(publish=(">",), subscribe=(">",)),
    }


PERMISSIONS = permissions(DEFAULT_TARGET_SUBJECTS)
"""Those of a platform whose operator has not named other subjects for targets."""
