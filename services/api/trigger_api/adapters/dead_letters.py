"""TRIGGER_DEAD, read from its end; and the requests to its owners to handle a letter again."""

from datetime import timedelta

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from pydantic import ValidationError

from trigger_api.domain import cursors
from trigger_api.domain.dead_letters import DeadLetterQuery, DeadLetterShown, FoundLetter, shown
from trigger_api.ports.paging import Listed
from trigger_api.ports.process import Clock
from trigger_contracts import subjects
from trigger_contracts.events import DeadLetter
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable, dead_letter_in
from trigger_contracts.redrives import Redrive, Redriven
from trigger_contracts.subjects import Service
from trigger_contracts.topology import DEAD, EXECUTOR_DELIVERIES
from trigger_runtime.jetstream.backwards import read_before
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import pass_over
from trigger_runtime.process.errors import BrokerUnavailable, DependencyUnavailable
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

READ_AT_ONCE = 25
"""Letters in memory at a time: each may have 700 kB, of which a list shows 2."""
MOST_READ = 2000
"""Letters looked at for one page, whatever the filter lets through: a fraction of a second."""


class NoAnswer(DependencyUnavailable):
    """The service that must do it is not there."""


class StreamDeadLetters:
    """``ports.dead_letters.DeadLetterStore``: TRIGGER_DEAD, and the services that redrive."""

    def __init__(
        self,
        connection: Connection,
        reader: StreamReader,
        clock: Clock,
        *,
        kept_for: timedelta,
        timeout: timedelta,
    ) -> None:
        """``timeout`` is how long a redrive waits for its outcome."""
        self._connection = connection
        self._reader = reader
        self._clock = clock
        self._kept_for = kept_for
        self._timeout_s = timeout.total_seconds()

    async def page(self, query: DeadLetterQuery) -> Listed[DeadLetterShown]:
        of = subjects.dead_letters(query.service or "*", query.stream or "*")
        rows: list[DeadLetterShown] = []
        end = cursors.letter(query.cursor)
        last = 0
        looked_at = 0
        while looked_at < MOST_READ:
            messages = await read_before(self._reader, end, of, READ_AT_ONCE)
            for message in messages:
                row = self._row(message, query)
                if row is None:
                    continue
                if len(rows) == query.limit:
                    return Listed(rows, cursors.of_letter(last))
                rows.append(row)
                last = message.seq
            if len(messages) < READ_AT_ONCE:
                return Listed(rows, None)
            end = messages[-1].seq
            looked_at += len(messages)
        return Listed(rows, cursors.of_letter(end or 0))

    async def find(self, letter_id: str) -> FoundLetter | None:
        wherever = subjects.dead_letters(letter_id=letter_id)
        all_found = [found_in(one) for one in (await self._reader.last_many([wherever])).values()]
        readable = (found for found in all_found if found.letter is not None)
        return next(readable, all_found[0] if all_found else None)

    async def redrive(self, found: FoundLetter) -> Redriven | None:
        letter = found.letter
        if isinstance(letter, DeadLetter) and EXECUTOR_DELIVERIES.handles(letter.subject):
            subject = subjects.REDRIVE_DELIVERIES
        else:
            subject = subjects.redrive(Service(found.service))
        asked = Redrive(id=found.letter_id, stream=found.stream).model_dump_json().encode()
        await self._connection.wait_connected(self._timeout_s)
        try:
            answer = await self._connection.client.request(subject, asked, timeout=self._timeout_s)
            return Redriven.model_validate_json(answer.data)
        except NoRespondersError as error:
            raise NoAnswer(f"the {found.service} is not there") from error
        except TimeoutError:
            return None
        except (NatsError, OSError) as error:
            raise BrokerUnavailable(f"not asked: {type(error).__name__}") from error
        except ValidationError:
            log.warning("an answer to a redrive cannot be read", letter=found.letter_id)
            return None

    def _row(self, message: StoredMessage, query: DeadLetterQuery) -> DeadLetterShown | None:
        found = found_in(message)
        letter = found.alive(self._clock.now(), self._kept_for)
        if letter is None or query.subject not in (None, letter.subject):
            return None
        return shown(found, letter, self._kept_for, in_list=True)


def found_in(message: StoredMessage) -> FoundLetter:
    """What stands in a letter's place: none where nobody of ours has written it, or a later version
    of the platform.
    """
    service, stream, letter_id = subjects.dead_letter_tokens(message.subject)
    if why := why_unreadable(message.headers):
        pass_over(DEAD.name, message, why)
        return FoundLetter(letter_id, service, stream, None)
    try:
        letter = dead_letter_in(message.payload)
    except Unreadable as why:
        pass_over(DEAD.name, message, str(why))
        return FoundLetter(letter_id, service, stream, None)
    return FoundLetter(letter_id, service, stream, letter)
