"""Which deliveries a query string or a request means."""

from pydantic import Field

from trigger_api.domain.queries import ANY_OF, EventConditions, Page
from trigger_api.domain.several import Several, SeveralIds
from trigger_contracts.deliveries.outcomes import DeliveryState


class DeliveryFilter(EventConditions):
    """Which deliveries are meant: the same for lists, redeliveries and cancellations.

    By where they stand, and by what their events are: those that a filtered log shows.
    """

    state: Several[DeliveryState] | None = Field(
        default=None, description=f"Where the delivery stands. {ANY_OF}"
    )
    target_id: SeveralIds | None = Field(
        default=None, description=f"Deliveries to this target. {ANY_OF}"
    )


class DeliveryQuery(Page, DeliveryFilter):
    """GET /deliveries/"""
