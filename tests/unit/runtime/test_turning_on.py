"""Traces are off unless a collector is named, and nothing about them stops a start."""

import importlib
import io
import sys

import pytest
from pydantic import ValidationError

from trigger_runtime.process.settings import TraceSettings
from trigger_runtime.tracing.turning_on import traces_of

SOMEWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def told(environment: dict[str, str], ratio: float = 0.25) -> float | None:
    """The ratio that is sampled; None without traces."""
    traces = traces_of(
        TraceSettings(trace_ratio=ratio), service="executor", environment=environment
    )
    return None if traces is None else traces.sampling.ratio


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {**SOMEWHERE, "OTEL_SDK_DISABLED": "true"},
        {**SOMEWHERE, "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=canary"},
    ],
)
def test_nobody_asked(environment: dict[str, str], logged: io.StringIO) -> None:
    assert told(environment) is None
    assert "traces" not in logged.getvalue()


@pytest.mark.parametrize(
    "environment",
    [
        SOMEWHERE,
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"},
        {**SOMEWHERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
    ],
)
def test_a_collector_is_named(environment: dict[str, str]) -> None:
    assert told(environment) == 0.25
    assert told(environment, 0) == 0


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "must begin with http://"),
        ({**SOMEWHERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "must be http/protobuf"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_the_service_goes_on(
    environment: dict[str, str], why: str, logged: io.StringIO
) -> None:
    assert told(environment) is None
    said = logged.getvalue()
    assert "no traces are written" in said
    assert why in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("is_imported", "variable", "kind"),
    [
        (True, "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "RuntimeError"),
        (False, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "ValueError"),
    ],
)
def test_what_the_exporter_refuses_is_said_without_its_words(
    monkeypatch: pytest.MonkeyPatch,
    logged: io.StringIO,
    variable: str,
    kind: str,
    *,
    is_imported: bool,
) -> None:
    """Some of its variables it reads when it is imported, the others when it is made."""
    if is_imported:
        importlib.import_module("trigger_runtime.tracing.otlp")
    else:
        for name in [*sys.modules]:
            if name.startswith(("trigger_runtime.tracing.otlp", "opentelemetry.sdk.trace")):
                monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv(variable, "canary")
    assert told(SOMEWHERE) is None
    said = logged.getvalue()
    assert "no traces are written" in said
    assert kind in said
    assert "canary" not in said


def test_without_the_extra_it_is_said_which_one(
    monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    monkeypatch.delitem(sys.modules, "trigger_runtime.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert told(SOMEWHERE) is None
    said = logged.getvalue()
    assert "extra otel" in said
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("headers", ["canary", "=canary", "a=", "a=1,canary", "a b=canary", ","])
def test_headers_have_names_and_are_not_quoted(
    headers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETP_TRACE_HEADERS", headers)
    with pytest.raises(ValidationError, match="holds a header that is not name=value") as refused:
        TraceSettings()
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("ratio", ["-0.1", "1.01", "nan", "much"])
def test_a_ratio_is_a_share(ratio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETP_TRACE_RATIO", ratio)
    with pytest.raises(ValidationError, match="trace_ratio"):
        TraceSettings()
