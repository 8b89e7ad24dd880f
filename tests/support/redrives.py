"""Dead letters as their stream has them, and the gateway's request to handle one again."""

from dataclasses import dataclass

from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_contracts.events import DEAD_LETTER, DeadLetter
from trigger_contracts.redrives import Redrive, Redriven
from trigger_contracts.subjects import Service
from trigger_contracts.topology import DEAD


@dataclass(frozen=True)
class Stored:
    """A letter and where it stands."""

    service: Service
    stream: str
    letter_id: str
    letter: DeadLetter


async def letters(broker: Broker) -> list[Stored]:
    """Every letter that has not been handled, the oldest first."""
    found = []
    async with broker.connected() as admin:
        jetstream = admin.jetstream()
        state = (await jetstream.stream_info(DEAD.name, subjects_filter=">")).state
        for subject in state.subjects or {}:
            message = await jetstream.get_last_msg(DEAD.name, subject)
            letter = DEAD_LETTER.validate_json(message.data or b"")
            if isinstance(letter, DeadLetter):
                service, stream, letter_id = subjects.dead_letter_tokens(subject)
                found.append(
                    (message.seq or 0, Stored(Service(service), stream, letter_id, letter))
                )
    return [stored for _, stored in sorted(found, key=lambda one: one[0])]


async def redrive(broker: Broker, stored: Stored) -> Redriven:
    """As the gateway asks for it, with the gateway's permissions."""
    asked = Redrive(id=stored.letter_id, stream=stored.stream)
    async with broker.connected("api") as api:
        answer = await api.request(
            subjects.redrive(stored.service), asked.model_dump_json().encode(), timeout=10
        )
    return Redriven.model_validate_json(answer.data)
