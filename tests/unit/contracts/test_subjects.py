"""Subjects: no text of a user enters one, and results go to inboxes alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Service, Verb, is_result_inbox

TOKEN = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(st.sampled_from(subjects.RESULT_INBOXES), st.lists(TOKEN, min_size=1, max_size=8))
def test_plain_subjects_under_the_inboxes_take_results(prefix: str, tokens: list[str]):
    assert is_result_inbox(".".join([prefix, *tokens]))


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "_INBOX",
        "_INBOX_api",
        "_INBOX_api.",
        "_INBOX_api..x",
        "_INBOX_api.x.",
        ".x",
        "_INBOX.x",
        "_INBOX_apix.y",
        "x_INBOX_api.y",
        "_INBOX_reader.x",
        "_INBOX_scheduler.x",
        "_INBOX_executor.x",
        "_INBOX_admin.x",
        "_inbox_api.x",
        "_INBOX_api.*",
        "_INBOX_api.>",
        "_INBOX_client.a b",
        "_INBOX_client.a\r\nPUB x 1",
        "_INBOX_client.a\n",
        "_INBOX_client.\x00",
        "_INBOX_client.é",
        "_INBOX_client." + "x" * 65,
        "_INBOX_client" + ".x" * 9,
        "trigger.command.delete",
        "trigger.fired.t1",
        "$JS.API.STREAM.DELETE.TRIGGER_EVENTS",
        "$SYS.REQ.SERVER.PING",
        "$KV.IDEMPOTENCY.x",
    ],
)
def test_nothing_else_takes_results(subject: str):
    assert not is_result_inbox(subject)


@given(st.text())
def test_whatever_takes_results_is_covered_by_the_services_permissions(subject: str):
    if is_result_inbox(subject):
        assert subject.partition(".")[0] in subjects.RESULT_INBOXES


def test_every_stream_has_its_own_subjects_and_together_they_have_all():
    made = [
        *(subjects.command(verb) for verb in Verb),
        *(subjects.ingress(verb) for verb in Verb),
        *(
            make("t1")
            for make in (
                subjects.changed,
                subjects.due,
                subjects.fired,
                subjects.missed,
                subjects.rejected,
            )
        ),
        *(subjects.dead(service, "TRIGGER_DUE", "x") for service in topology.WORKERS),
    ]
    for subject in made:
        streams = [
            stream.name
            for stream in topology.STREAMS
            if any(_matches(pattern, subject) for pattern in stream.subjects)
        ]
        assert len(streams) == 1, subject


def test_notices_are_in_no_stream():
    redrives = (subjects.redrive(service) for service in topology.WORKERS)
    for subject in (subjects.WAKE, subjects.SWEPT, *redrives):
        for stream in topology.STREAMS:
            assert not any(_matches(pattern, subject) for pattern in stream.subjects)


def test_the_tokens_of_a_dead_letters_subject_are_read_back():
    subject = subjects.dead(Service.EXECUTOR, "TRIGGER_DUE", "x")
    assert subjects.dead_letter_tokens(subject) == ("executor", "TRIGGER_DUE", "x")
    assert _matches(subjects.dead_letters(), subject)
    assert _matches(subjects.dead_letters("executor", "TRIGGER_DUE"), subject)
    assert not _matches(subjects.dead_letters("executor", "TRIGGER_COMMANDS"), subject)


def test_consumers_ask_for_what_their_stream_has():
    for consumer in topology.CONSUMERS:
        assert all(
            any(_matches(pattern, one.replace("*", "x")) for pattern in consumer.stream.subjects)
            for one in consumer.filters
        )


@pytest.mark.parametrize(
    ("subject", "filters", "is_matched"),
    [
        ("trigger.fired.a", subjects.LOG_ROWS, True),
        ("trigger.missed.a-b_c", subjects.LOG_ROWS, True),
        ("trigger.rejected.a", subjects.LOG_ROWS, True),
        ("trigger.delivery.a", subjects.LOG_ROWS, False),
        ("trigger.fired", subjects.LOG_ROWS, False),
        ("trigger.fired.a.b", subjects.LOG_ROWS, False),
        ("trigger.firedx.a", subjects.LOG_ROWS, False),
        ("xtrigger.fired.a", subjects.LOG_ROWS, False),
        ("trigger.dead.executor.X.y", (subjects.ALL_DEAD,), True),
        ("trigger.dead", (subjects.ALL_DEAD,), False),
        ("trigger.command.fire", ("trigger.command.fire",), True),
        ("triggerxcommandxfire", ("trigger.command.fire",), False),
        ("trigger.fired.a", (), False),
    ],
)
def test_a_subject_is_matched_as_the_broker_does(
    subject: str, filters: tuple[str, ...], *, is_matched: bool
):
    assert subjects.matches(subject, filters) is is_matched


def test_the_broker_filters_only_where_that_spares_more_than_it_costs():
    """Each filter of a consumer is tested for each message of the stream, at ten times its cost."""
    filtered = {one.durable + one.stream.name for one in topology.CONSUMERS if one.broker_filters}
    assert filtered == {
        "schedulerTRIGGER_COMMANDS",
        "executorTRIGGER_COMMANDS",
        "executor-deliveriesTRIGGER_COMMANDS",
        "retention-deliveriesTRIGGER_EVENTS",
    }
    assert topology.RETENTION_EVENTS.passes_over
    for other in ("trigger.delivery.a", "trigger.health.a"):
        assert not topology.RETENTION_EVENTS.handles(other)
    assert topology.RETENTION_EVENTS.handles("trigger.fired.a")


def test_every_command_is_consumed_by_one_service():
    filters = [
        one
        for consumer in topology.CONSUMERS
        if consumer.stream is topology.COMMANDS
        for one in consumer.filters
    ]
    assert sorted(filters) == sorted(subjects.command(verb) for verb in Verb)


@pytest.mark.parametrize("user", ["client", "reader", *Service])
def test_no_user_but_the_owner_may_publish_to_a_log(user: str):
    owners = {
        "trigger.changed.x": {"scheduler"},
        "trigger.due.x": {"scheduler"},
        "trigger.fired.x": {"executor"},
        "trigger.missed.x": {"executor"},
        "trigger.rejected.x": {"executor"},
        "trigger.delivery.x": {"executor"},
        "trigger.health.x": {"executor"},
        "trigger.executor.wake": {"executor"},
        "trigger.executor.probe": {"api"},
        "trigger.target.x": {"scheduler"},
        "$JS.API.STREAM.PURGE.TRIGGER_TARGETS": {"scheduler"},
        "$JS.API.DIRECT.GET.TRIGGER_TARGETS": {"scheduler", "executor"},
        "out.orders.paid": {"executor"},
        "outer.orders": set(),
        "trigger.command.rotate-target": {"api", "client"},
        "trigger.command.create": {"api", "client"},
        "trigger.dead.scheduler.TRIGGER_COMMANDS.x": {"scheduler"},
        "trigger.dead.executor.TRIGGER_DUE.x": {"executor"},
        "trigger.dead.retention.TRIGGER_EVENTS.x": {"retention"},
        "trigger.redrive.executor": {"api"},
        "trigger.retention.swept": {"retention"},
        "$JS.API.STREAM.DELETE.TRIGGER_EVENTS": set(),
        "$JS.API.STREAM.MSG.DELETE.TRIGGER_DEAD": set(),
        "$JS.API.STREAM.PURGE.TRIGGER_DEAD": set(),
        "$JS.API.DIRECT.GET.TRIGGER_DEAD.trigger.dead.executor.TRIGGER_DUE.x": {"api", "executor"},
        "$JS.API.STREAM.CREATE.X": set(),
        "$SYS.REQ.SERVER.PING": set(),
    }
    for subject, allowed in owners.items():
        may = any(_matches(one, subject) for one in topology.PERMISSIONS[user].publish)
        assert may == (user in allowed), subject


def test_who_may_hear_a_target_and_what_reaches_one():
    """A target's address may be a secret; what is delivered to a subject is for whoever listens."""
    may_hear = {
        subject: {
            str(user)
            for user, one in topology.permissions(("out.>", "acme.*.paid")).items()
            if user != "admin" and any(_matches(heard, subject) for heard in one.subscribe)
        }
        for subject in ("trigger.target.x", "out.orders", "acme.orders.paid", "acme.orders")
    }
    assert may_hear == {
        "trigger.target.x": {"executor"},
        "out.orders": {"client", "reader"},
        "acme.orders.paid": {"client", "reader"},
        "acme.orders": set(),
    }


def test_only_the_subjects_that_an_operator_names_are_the_executors():
    publish = topology.permissions(("acme.*.paid",))[Service.EXECUTOR].publish
    may = {
        subject: any(_matches(one, subject) for one in publish)
        for subject in ("acme.orders.paid", "acme.orders", "acme.a.b.paid", "out.orders")
    }
    assert may == {
        "acme.orders.paid": True,
        "acme.orders": False,
        "acme.a.b.paid": False,
        "out.orders": False,
    }


def _matches(pattern: str, subject: str) -> bool:
    wanted, given_tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted = wanted[:-1]
        if len(given_tokens) <= len(wanted):
            return False
        given_tokens = given_tokens[: len(wanted)]
    return len(wanted) == len(given_tokens) and all(
        one in ("*", token) for one, token in zip(wanted, given_tokens, strict=True)
    )
