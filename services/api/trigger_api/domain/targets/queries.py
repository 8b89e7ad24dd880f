"""What is asked about targets in a query string."""

from typing import Literal

from pydantic import Field

from trigger_api.domain.queries import ANY_OF, Page, Text
from trigger_api.domain.several import Several, SeveralIds

from .health import TargetCondition


class TargetQuery(Page):
    """GET /targets/"""

    type: Several[Literal["webhook", "nats"]] | None = Field(
        default=None, description=f"Kind of target. {ANY_OF}"
    )
    health: Several[TargetCondition] | None = Field(
        default=None, description=f"How the target is. {ANY_OF}"
    )
    q: Text | None = Field(default=None, description="Part of the name, in any case and script.")
    id: SeveralIds | None = Field(default=None, description=f"These targets. {ANY_OF}")
    count: bool = Field(
        default=False, description="Also count all that pass, in the header `X-Total-Count`."
    )
