"""The metrics page is what the services register."""

import re

from docs import make_metrics

USER_TEXT = ("trigger_id", "trigger_name", "key", "actor", "path", "subject", "event_id")
"""What no label may be: there are as many as users make."""


def test_the_page_is_up_to_date() -> None:
    written = make_metrics.PAGE.read_text(encoding="utf-8")
    assert written == make_metrics.page(), "run: .venv/bin/python docs/make_metrics.py"


def test_each_metric_has_a_plain_name_its_unit_and_a_meaning() -> None:
    families = make_metrics.families()
    assert len(families) > 50
    for family in families:
        assert re.fullmatch(r"etp(_[a-z]+)+", family.name), family
        assert family.type in {"counter", "gauge", "histogram"}, family
        assert (family.type == "counter") == family.name.endswith("_total"), family
        assert family.meaning.endswith("."), family
        assert not set(family.labels) & set(USER_TEXT), family


def test_what_a_service_does_not_do_it_does_not_tell() -> None:
    told = {family.name: family.services for family in make_metrics.families()}
    assert told["etp_due_oldest_seconds"] == ["scheduler"]
    assert told["etp_accept_to_log_seconds"] == ["retention"]
    assert told["etp_unprojected_oldest_seconds"] == ["api", "retention"]
    assert told["etp_erasure_overdue_seconds"] == ["scheduler", "retention"]
    assert told["etp_pool_in_use"] == ["api", "scheduler", "executor", "retention"]
    assert told["etp_event_loop_lag_seconds"] == list(make_metrics.SERVICES)
