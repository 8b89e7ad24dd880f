"""What is asked about deliveries in a query string."""

from typing import Self

from pydantic import Field

from trigger_api.domain.queries import ANY_OF, Instant, Page
from trigger_api.domain.several import Several, SeveralIds
from trigger_contracts.deliveries.outcomes import DeliveryState
from trigger_contracts.errors import Code, refused


class DeliveryQuery(Page):
    """GET /deliveries/"""

    state: Several[DeliveryState] | None = Field(
        default=None, description=f"Where the delivery stands. {ANY_OF}"
    )
    target_id: SeveralIds | None = Field(
        default=None, description=f"Deliveries to this target. {ANY_OF}"
    )
    trigger_id: SeveralIds | None = Field(
        default=None, description=f"Of events of this trigger. {ANY_OF}"
    )
    from_: Instant | None = Field(
        default=None,
        alias="from",
        description="Of events logged at or after this instant (RFC 3339).",
    )
    to: Instant | None = Field(
        default=None,
        description="Of events logged before this instant (RFC 3339); UTC without an offset.",
    )

    def checked(self) -> Self:
        """Raises ``Refused`` for what no delivery can pass by its own contradiction."""
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise refused(Code.INVALID, "must not be earlier than from", pointer="/query/to")
        return self
