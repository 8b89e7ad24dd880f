"""Which deliveries a query string or a request means."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from trigger_api.domain.queries import ANY_OF, Instant, Page
from trigger_api.domain.several import Several, SeveralIds
from trigger_contracts.deliveries.outcomes import DeliveryState
from trigger_contracts.errors import Code, refused


class DeliveryFilter(BaseModel):
    """Which deliveries are meant: the same for lists, redeliveries and cancellations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    def checked(self, within: str = "/query") -> Self:
        """Raises ``Refused`` for what no delivery can pass by its own contradiction.

        ``within`` is where the filter stands in the request, as a JSON Pointer.
        """
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise refused(Code.INVALID, "must not be earlier than from", pointer=f"{within}/to")
        return self


class DeliveryQuery(Page, DeliveryFilter):
    """GET /deliveries/"""
