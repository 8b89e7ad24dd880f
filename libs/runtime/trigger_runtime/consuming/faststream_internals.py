"""All that is used of FastStream's insides, in one place, and what FastStream is used for.

It makes the AsyncAPI documents, starts and stops subscribers together, and runs two plain
subscriptions of core NATS. It does not connect, consume batches, acknowledge, publish or declare:
that is ours (decision 9), behind a subscriber of its own kind. Its next minor version may change
any of these, which is why pyproject.toml bounds it.
"""

from faststream._internal.broker import BrokerUsecase
from faststream._internal.broker.registrator import Registrator
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.nats.configs import NatsBrokerConfig
from faststream.nats.subscriber.config import (
    NatsSubscriberConfig,
    NatsSubscriberSpecificationConfig,
)
from faststream.nats.subscriber.specification import NatsSubscriberSpecification
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber

__all__ = [
    "BatchPullStreamSubscriber",
    "BrokerUsecase",
    "CallsCollection",
    "NatsBrokerConfig",
    "NatsSubscriberConfig",
    "NatsSubscriberSpecification",
    "NatsSubscriberSpecificationConfig",
    "Registrator",
]
