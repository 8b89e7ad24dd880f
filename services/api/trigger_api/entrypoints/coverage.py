"""What an answer to a search for words says of itself: whether it may have missed something."""

from trigger_api.domain.queries import StateFilter
from trigger_api.ports.log import LogViews
from trigger_runtime.process.errors import DatabaseUnavailable

HEADER = "x-search-coverage"


async def coverage(views: LogViews, wanted: StateFilter) -> dict[str, str]:
    """The header, where words are searched for: ``partial`` where payloads are longer than what is
    searched of them, among the rows that pass or would with other words; or where that cannot be
    known now, since what was found is still of use.
    """
    if wanted.q is None:
        return {}
    try:
        has_cut = await views.has_cut(wanted)
    except DatabaseUnavailable:
        has_cut = True
    return {HEADER: "partial" if has_cut else "complete"}
