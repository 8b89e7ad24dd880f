"""What is read of deliveries."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from trigger_api.domain.deliveries.queries import DeliveryFilter, DeliveryQuery
from trigger_api.domain.deliveries.shown import DeliveryDetail, DeliveryShown

from .paging import Listed


class DeliveryViews(Protocol):
    """Retention's views of deliveries. Every method raises ``DatabaseUnavailable``."""

    async def deliveries(self, query: DeliveryQuery) -> Listed[DeliveryShown]:
        """Those of the events logged last come first."""
        ...

    async def number_of(self, wanted: DeliveryFilter, most: int) -> int:
        """How many pass the filter; of more than ``most``, one more."""
        ...

    async def delivery(self, delivery_id: UUID) -> DeliveryDetail | None: ...

    async def of_event(self, event_id: UUID) -> Sequence[DeliveryDetail]:
        """In the order of their targets."""
        ...
