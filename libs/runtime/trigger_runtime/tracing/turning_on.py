"""Whether a service writes traces: only where the standard's own variables name a collector.

Nothing of it stops a start: what is missing or wrong is said in one line, and triggers fire
without traces.
"""

import importlib.metadata
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence

from trigger_contracts.tracing import Sampling
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.settings import TraceSettings

from .traces import Traces

log = get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The first that is set counts."""
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
OVER_HTTP = "http/protobuf"


def traces_of(
    settings: TraceSettings, *, service: str, environment: Mapping[str, str] = os.environ
) -> Traces | None:
    """Where the service's spans go; None where nobody asked for traces, or there can be none."""
    variable = _wanted(environment)
    if variable is None:
        return None
    if why := _why_not(variable, environment):
        log.warning("no traces are written", why=why)
        return None
    try:
        # An extra, and half a second to import; it reads some of its variables at once.
        from .otlp import OtlpExporter  # noqa: PLC0415

        version = importlib.metadata.version("event-trigger-platform")
        secret = settings.trace_headers
        exporter = OtlpExporter(
            service,
            version=version,
            instance=new_id(),
            headers="" if secret is None else secret.get_secret_value(),
        )
    except ImportError:
        why = f"{variable} is set, and the packages of the extra otel are not installed"
        log.warning("no traces are written", why=why)
        return None
    except Exception as error:  # noqa: BLE001 - whatever the exporter finds wrong
        # Without its text: headers and addresses may hold a secret.
        why = f"a variable OTEL_… cannot be understood ({type(error).__name__})"
        log.warning("no traces are written", why=why)
        return None
    log.info("traces are written", ratio=settings.trace_ratio)
    return Traces(Sampling(settings.trace_ratio), exporter)


def stops_of(traces: Traces | None) -> Sequence[Callable[[], Awaitable[None]]]:
    """What a stop calls last: all spans are told by then."""
    return () if traces is None else (traces.close,)


def _wanted(environment: Mapping[str, str]) -> str | None:
    """The variable that names a collector."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return None
    return next((name for name in ENDPOINTS if environment.get(name, "").strip()), None)


def _why_not(variable: str, environment: Mapping[str, str]) -> str | None:
    if not environment[variable].strip().lower().startswith(("http://", "https://")):
        return f"{variable} must begin with http:// or https://"
    for name in PROTOCOLS:
        protocol = environment.get(name, "").strip()
        if protocol:
            return None if protocol == OVER_HTTP else f"{name} must be {OVER_HTTP}"
    return None
