"""What a target's fields may be: each refusal at its pointer, all of them at once."""

import base64
from typing import Any

import pytest

from trigger_contracts.errors import Code, Refused
from trigger_contracts.targets.fields import check_patch, parse_target
from trigger_contracts.targets.nats_subjects import DEFAULT, check_allowed, check_subject
from trigger_contracts.targets.secrets import key_of, new_secret

WEBHOOK = {"type": "webhook", "url": "https://a.example/hook"}
NATS = {"type": "nats", "subject": "out.a"}


def pointers(fields: dict[str, Any], code: Code = Code.INVALID) -> list[str]:
    with pytest.raises(Refused) as error:
        parse_target(fields)
    assert error.value.problem.code is code
    return [one.pointer for one in error.value.problem.errors]


def test_what_is_not_given_has_the_documented_defaults() -> None:
    target = parse_target(WEBHOOK)
    assert (target.body, target.timeout_s, target.delays) == ("event", 15.0, ())
    assert (target.final_statuses, target.concurrency, target.rate) == ((410,), 10, None)
    assert (target.ordered, target.ca, target.alert_target) == (False, None, None)
    assert parse_target(NATS).durable is False


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"type": "email"}, "/type"),
        ({"type": None}, "/type"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"url": None}, "/url"),
        ({"url": 7}, "/url"),
        ({"colour": "red"}, "/colour"),
        ({"subject": "out.a"}, "/subject"),
        ({"durable": True}, "/durable"),
        ({"body": "xml"}, "/body"),
        ({"timeout": 0.9}, "/timeout"),
        ({"timeout": 31}, "/timeout"),
        ({"timeout": "soon"}, "/timeout"),
        ({"timeout": None}, "/timeout"),
        ({"timeout": True}, "/timeout"),
        ({"retry": ["PT0S"]}, "/retry/0"),
        ({"retry": [1, 0]}, "/retry/1"),
        ({"retry": ["PT24H1S"]}, "/retry/0"),
        ({"retry": ["P1D", "PT15H1S"]}, "/retry"),
        ({"retry": [1] * 21}, "/retry"),
        ({"retry": 5}, "/retry"),
        ({"retry": [None]}, "/retry/0"),
        ({"final_statuses": [399]}, "/final_statuses/0"),
        ({"final_statuses": [400, 500]}, "/final_statuses/1"),
        ({"final_statuses": ["404"]}, "/final_statuses/0"),
        ({"final_statuses": [404] * 21}, "/final_statuses"),
        ({"concurrency": 0}, "/concurrency"),
        ({"concurrency": 101}, "/concurrency"),
        ({"concurrency": True}, "/concurrency"),
        ({"rate": {"count": 0, "per": "1s"}}, "/rate/count"),
        ({"rate": {"count": 1, "per": "2s"}}, "/rate/per"),
        ({"rate": {"count": 1}}, "/rate/per"),
        ({"rate": 5}, "/rate"),
        ({"ordered": 1}, "/ordered"),
        ({"ca": "no certificate"}, "/ca"),
        ({"ca": "x" * 16385}, "/ca"),
        ({"alert_target": "a.b"}, "/alert_target"),
        ({"headers": {"a": "b"} | {f"h{n}": "x" for n in range(20)}}, "/headers"),
        ({"headers": []}, "/headers"),
        ({"headers": {"a": 1}}, "/headers/a"),
        ({"url": "https://1.1.1.1/" + "x" * (2049 - len("https://1.1.1.1/"))}, "/url"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_fault_is_told_at_its_field(given: dict[str, Any], pointer: str) -> None:
    assert pointers({**WEBHOOK, **given}) == [pointer]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "x" * 200},
        {"url": "https://1.1.1.1/" + "x" * (2048 - len("https://1.1.1.1/"))},
        {"timeout": 1},
        {"timeout": "PT30S"},
        {"retry": [1] * 20},
        {"retry": ["PT24H", "PT15H"]},
        {"final_statuses": []},
        {"final_statuses": list(range(400, 420))},
        {"final_statuses": [499]},
        {"concurrency": 1},
        {"concurrency": 100},
        {"rate": {"count": 1, "per": "1s"}},
        {"rate": {"count": 100_000, "per": "1h"}},
        {"headers": {f"h{n}": "x" for n in range(20)}},
        {"headers": {"x" * 100: "x" * 2048}},
        {"secret_headers": {"x" * 100: "x" * 2048}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_each_field_is_taken_at_its_limits(given: dict[str, Any]) -> None:
    target = parse_target({**WEBHOOK, **given})
    shown = target.model_dump(mode="json")
    assert {name: shown[name] for name in given} == given


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "HOST",
        "Content-Length",
        "content-type",
        "Connection",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "Accept-Encoding",
        "User-Agent",
        "Date",
        "Traceparent",
        "webhook-id",
        "Webhook-Signature",
        "ce-id",
        "etp-attempt",
        "Keep-Alive",
        "",
        "a b",
        "a:b",
        "a\r\nb",
        "a\nb",
        "ä",
        "a\x00",
        "x" * 101,
        "(a)",
        "a/b",
    ],
)
@pytest.mark.parametrize("field", ["headers", "secret_headers"])
def test_a_header_that_is_ours_or_none_is_refused(field: str, name: str) -> None:
    (pointer,) = pointers({**WEBHOOK, field: {name: "x"}})
    assert pointer.startswith(f"/{field}/")


@pytest.mark.parametrize(
    "value", ["", " ", "a\r\nb", "a\nb", "a\x00", "a ", " a", "\ta", "ä", "x" * 2049, "a\x7f"]
)
@pytest.mark.parametrize("field", ["headers", "secret_headers"])
def test_a_header_s_value_is_visible_ascii(field: str, value: str) -> None:
    assert pointers({**WEBHOOK, field: {"X-A": value}}) == [f"/{field}/X-A"]


def test_headers_that_are_allowed_and_one_that_is_given_twice() -> None:
    parse_target({**WEBHOOK, "headers": {"X-A": "a b", "Authorization": "Bearer x" * 100}})
    twice = {"headers": {"X-A": "1"}, "secret_headers": {"x-a": "2"}}
    assert pointers({**WEBHOOK, **twice}) == ["/secret_headers/x-a"]


def test_all_faults_are_told_at_once_and_a_null_of_the_other_kind_is_none() -> None:
    many = {"timeout": 0, "retry": [0], "final_statuses": [1], "headers": {"Host": "x"}}
    assert set(pointers({**WEBHOOK, **many})) == {
        "/timeout",
        "/retry/0",
        "/final_statuses/0",
        "/headers/Host",
    }
    parse_target({**WEBHOOK, "subject": None, "durable": False})
    parse_target({**NATS, "url": None, "headers": {}, "ca": None})
    assert pointers({"type": "nats", "url": "https://a.example"}) == ["/url", "/subject"]


@pytest.mark.parametrize(
    "subject",
    [
        "",
        ".",
        "out.",
        ".out",
        "out..a",
        "out.*",
        "out.>",
        "out. a",
        "out.a\r\n",
        "out.ä",
        "out." + "x" * 65,
        ".".join(["out"] + ["a"] * 16),
        "out.a/b",
    ],
)
def test_a_subject_of_another_form_is_invalid(subject: str) -> None:
    with pytest.raises(Refused) as error:
        check_subject(subject, ("out.>",))
    assert error.value.problem.code is Code.INVALID


@pytest.mark.parametrize(
    "subject", ["trigger.fired.a", "TRIGGER.x", "_INBOX_api.x", "_INBOX", "other.a", "out"]
)
def test_a_subject_that_is_not_allowed(subject: str) -> None:
    with pytest.raises(Refused) as error:
        check_subject(subject, DEFAULT)
    assert error.value.problem.code is Code.SUBJECT_NOT_ALLOWED
    assert "ETP_TARGET_SUBJECTS" in error.value.problem.detail


def test_subjects_that_are_allowed() -> None:
    check_subject("out.a", DEFAULT)
    check_subject(".".join(["out"] + ["a"] * 15), DEFAULT)
    check_subject("orders.eu.paid", ("orders.*.paid",))
    check_allowed(["out.>", "orders.*.paid", "a"])


@pytest.mark.parametrize(
    "entry", [">", "*", "*.a", "trigger.>", "Trigger.a", "$JS.>", "_INBOX.>", "a..b", "a.>.b", ""]
)
def test_an_operator_s_list_may_not_open_what_is_ours(entry: str) -> None:
    with pytest.raises(ValueError, match="no subject"):
        check_allowed([entry])


def test_signing_secrets() -> None:
    assert len(key_of(new_secret())) == 32
    assert new_secret() != new_secret()
    for length in (24, 64):
        assert len(key_of("whsec_" + base64.b64encode(b"x" * length).decode())) == length


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64!", "whsec_AAAA"]
    + ["whsec_" + base64.b64encode(b"x" * n).decode() for n in (23, 65)],
)
def test_a_secret_of_the_wrong_form_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(Refused) as error:
        key_of(secret)
    assert [one.pointer for one in error.value.problem.errors] == ["/secret"]
    assert not secret.removeprefix("whsec_") or secret not in error.value.problem.detail


def test_what_is_wrong_with_an_address_is_told_beside_all_else() -> None:
    fields = {**WEBHOOK, "url": "https://u:p@a.example/", "timeout": 0, "headers": {"Host": "x"}}
    assert pointers(fields) == ["/headers/Host", "/timeout", "/url"]
    strange = {**fields, "colour": "red", "concurrency": "x"}
    assert pointers(strange)[:2] == ["/concurrency", "/colour"]
    assert pointers(strange)[2:] == ["/headers/Host", "/timeout", "/url"]
    assert pointers({"type": "email", "url": 5, "timeout": 0}) == ["/type", "/url", "/timeout"]
    assert pointers({"type": "webhook", "url": 5}) == ["/url"]


@pytest.mark.parametrize(
    ("patch", "wrong"),
    [
        ({"name": None, "rate": {"count": 2}, "secret_headers": {"X": "***", "Y": None}}, []),
        ({"nobody": None}, ["/nobody"]),
        ({"secret_headers": {"X": "a\nb"}, "retry": [0]}, ["/secret_headers/X", "/retry/0"]),
        ({"url": "ftp://a.example"}, ["/url"]),
        ({"ca": "no certificate"}, ["/ca"]),
    ],
)
def test_a_patch_is_looked_at_whatever_it_is_merged_over(
    patch: dict[str, Any], wrong: list[str]
) -> None:
    found: list[str] = []
    try:
        check_patch(patch)
    except Refused as refusal:
        found = [one.pointer for one in refusal.problem.errors]
    assert found == wrong
