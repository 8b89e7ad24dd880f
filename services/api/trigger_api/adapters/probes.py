"""Tests of targets, asked of whoever delivers: ``ports.targets.TargetProbes``."""

import json

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from pydantic import ValidationError

from trigger_contracts import subjects
from trigger_contracts.deliveries.probes import Probe, Probed
from trigger_contracts.errors import Problem
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.errors import BrokerUnavailable, DependencyUnavailable
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

CONNECTED_WITHIN_S = 2.0
ANSWERED_WITHIN_S = 35.0
"""A target's longest timeout is 30 s, and an attempt may take a second and a half more."""


class NobodyDelivers(DependencyUnavailable):
    """No executor is there that delivers, or none answered."""


class NatsProbes:
    """One core request each."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def probe(self, target_id: str) -> Probed | Problem:
        asked = Probe(target_id=target_id).model_dump_json().encode()
        await self._connection.wait_connected(CONNECTED_WITHIN_S)
        try:
            answer = await self._connection.client.request(
                subjects.EXECUTOR_PROBE, asked, timeout=ANSWERED_WITHIN_S
            )
            fields = json.loads(answer.data)
            if "outcome" in fields:
                return Probed.model_validate(fields)
            return Problem.model_validate(fields)
        except (NoRespondersError, TimeoutError) as error:
            raise NobodyDelivers("no executor that delivers answers") from error
        except (NatsError, OSError) as error:
            raise BrokerUnavailable(f"not asked: {type(error).__name__}") from error
        except (ValueError, TypeError, ValidationError) as error:
            log.warning("an answer to a test cannot be read", target_id=target_id)
            raise NobodyDelivers("the answer cannot be read") from error
