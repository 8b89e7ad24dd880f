"""What is measured. Each scenario is one coroutine: sizes in, a result out."""

from collections.abc import Awaitable, Callable

from bench.schedules.comparison import Comparison
from bench.sizes import Sizes
from bench.support.figures import Result

from . import (
    creating,
    delivery,
    gateway,
    holding,
    lateness,
    log,
    next_fire,
    projection,
    scale,
    schedules,
    storage,
    throughput,
    traces,
    ui,
)

SCENARIOS: dict[str, Callable[[Sizes], Awaitable[Result | Comparison]]] = {
    "lateness-spread": lateness.spread_out,
    "lateness-same-instant": lateness.same_instant,
    "lateness-recurring": lateness.recurring,
    "throughput": throughput.at_once,
    "gateway": gateway.fires,
    "traces": traces.side_by_side,
    "creating": creating.creates,
    "holding": holding.held,
    "scale": scale.at_rest,
    "storage": storage.stored,
    "projection": projection.catching_up,
    "log": log.at_full_size,
    "delivery-attempts": delivery.attempts,
    "delivery-sustained": delivery.sustained,
    "delivery-latency": delivery.latency,
    "delivery-return": delivery.return_,
    "delivery-recording": delivery.recording,
    "next-fire": next_fire.next_fire,
    "ui-typing": ui.typing,
    "ui-filtering": ui.filtering,
    "ui-scrolling": ui.scrolling,
    "ui-following": ui.following,
    "ui-slowed": ui.slowed,
    "schedules": schedules.schedules,
}
