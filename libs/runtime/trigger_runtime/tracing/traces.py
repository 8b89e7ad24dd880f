"""Takes spans from a service and hands them to an exporter, in a thread of its own.

``add`` costs the service a test and an append, whatever the collector does: the queue is bounded,
and what finds no place is counted and left out. Nothing of this raises, and a stop waits for less
than a second. The thread begins with the first span.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from trigger_contracts.tracing import Sampling, TraceSpan
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import TRACE_SPANS

log = get_logger(__name__)

CAPACITY = 8192
"""Spans that wait: at 1 % of 5,000 fires a second the gateway's of a minute, some 8 MB."""
BATCH = 256
"""Spans of one request: to make and encode them takes some 20 ms of the thread, in which the
service's own has to ask for the interpreter."""
EVERY_S = 1.0
"""A trace is seen so soon, where there are few."""
FLUSH_S = 0.5
"""What a stop waits for a collector that answers."""
GIVE_UP_S = 0.2
"""And for one that does not, once the exporter was told to end."""

_EXPORTED, _DROPPED, _FAILED = (
    TRACE_SPANS.labels(result) for result in ("exported", "dropped", "failed")
)


class Exporter(Protocol):
    """Sends spans; called by one thread, and told to end by another."""

    def export(self, spans: Sequence[TraceSpan]) -> bool:
        """Whether the collector took them; may block for as long as it likes, and raise."""
        ...

    def shutdown(self) -> None:
        """Have an ``export`` that is under way end soon."""
        ...


class Traces:
    """Implements ``trigger_contracts.tracing.SpanSink``."""

    def __init__(self, sampling: Sampling, exporter: Exporter) -> None:
        self.sampling = sampling
        self.samples = sampling.takes
        """Asked once for each event: a call less than by a method of its own."""
        self._exporter = exporter
        self._waiting: deque[TraceSpan] = deque()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_stopping = False
        self._is_over = False
        self._is_taken = True
        """Whether the collector took the last ones: each change of that is said once."""

    def add(self, span: TraceSpan) -> None:
        if self._is_stopping or len(self._waiting) >= CAPACITY or not self._has_thread():
            _DROPPED.inc()
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH:
            self._wake.set()

    def _has_thread(self) -> bool:
        """Whether there is one, begun now if need be."""
        if self._thread is None:
            # A daemon: one that hangs in a collector does not keep the process.
            thread = threading.Thread(target=self._run, name="traces", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False  # The machine gives no more of them: the next span asks again.
            self._thread = thread
        return True

    async def close(self) -> None:
        """Send what waits, if the collector takes it at once; what is left is counted."""
        self._is_stopping = True
        thread = self._thread
        if thread is None:
            self._exporter.shutdown()
            return
        self._wake.set()
        await asyncio.to_thread(thread.join, FLUSH_S)
        self._is_over = True
        self._exporter.shutdown()
        if thread.is_alive():
            await asyncio.to_thread(thread.join, GIVE_UP_S)
        if self._waiting:
            _DROPPED.inc(len(self._waiting))
            log.warning("traces not sent before the stop", spans=len(self._waiting))

    def _run(self) -> None:
        while not self._is_over:
            if not self._is_stopping:
                self._wake.wait(EVERY_S)
                self._wake.clear()
            while self._waiting and not self._is_over:
                self._send([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
            if self._is_stopping:
                return

    def _send(self, spans: Sequence[TraceSpan]) -> None:
        why = "the collector does not take them"
        try:
            is_taken = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next ones are tried again
            # Without its text, which may quote an address with a password.
            is_taken, why = False, type(error).__name__
        (_EXPORTED if is_taken else _FAILED).inc(len(spans))
        if is_taken != self._is_taken:
            self._is_taken = is_taken
            if is_taken:
                log.info("traces are taken again")
            elif not self._is_over:
                log.warning("traces are not taken, and are left out", why=why)
