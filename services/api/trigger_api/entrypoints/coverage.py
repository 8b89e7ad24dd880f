"""What an answer to a search for words says of itself: whether it may have missed something."""

from trigger_api.domain.queries import StateFilter
from trigger_api.ports import Views

HEADER = "x-search-coverage"


async def coverage(views: Views, wanted: StateFilter) -> dict[str, str]:
    """The header, where words are searched for: ``partial`` where payloads are longer than what is
    searched of them, among the rows that pass or would with other words.
    """
    if wanted.q is None:
        return {}
    return {HEADER: "partial" if await views.has_cut(wanted) else "complete"}
