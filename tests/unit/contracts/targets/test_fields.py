"""What a target's fields may be: each refusal at its pointer, all of them at once."""

import base64
from typing import Any

import pytest

from tests.support.certificates import ca_of
from trigger_contracts.errors import Code, Refused
from trigger_contracts.targets.fields import check_patch, parse_target
from trigger_contracts.targets.nats_subjects import DEFAULT, check_allowed, check_subject
from trigger_contracts.targets.secrets import key_of, new_secret

WEBHOOK = {"type": "webhook", "url": "https://a.example/hook"}
NATS = {"type": "nats", "subject": "out.a"}


def url_of(length: int) -> str:
    """A webhook's URL of so many characters."""
    return "https://1.1.1.1/".ljust(length, "x")


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


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"type": "email"}, "/type"),
    "no type": ({"type": None}, "/type"),
    "an empty name": ({"name": ""}, "/name"),
    "a name of 201 characters": ({"name": "x" * 201}, "/name"),
    "no url": ({"url": None}, "/url"),
    "a number for a url": ({"url": 7}, "/url"),
    "a url of 2049 characters": ({"url": url_of(2049)}, "/url"),
    "an unknown field": ({"colour": "red"}, "/colour"),
    "a subject of a webhook": ({"subject": "out.a"}, "/subject"),
    "a durable webhook": ({"durable": True}, "/durable"),
    "another body": ({"body": "xml"}, "/body"),
    "a timeout below 1 s": ({"timeout": 0.9}, "/timeout"),
    "a timeout above 30 s": ({"timeout": 30.001}, "/timeout"),
    "a timeout in words": ({"timeout": "soon"}, "/timeout"),
    "a timeout of null": ({"timeout": None}, "/timeout"),
    "a timeout of true": ({"timeout": True}, "/timeout"),
    "a retry at once": ({"retry": ["PT0S"]}, "/retry/0"),
    "a second retry at once": ({"retry": [1, 0]}, "/retry/1"),
    "a retry below 1 s": ({"retry": [0.999]}, "/retry/0"),
    "a retry above 24 h": ({"retry": ["PT24H1S"]}, "/retry/0"),
    "retries of more than 39 h": ({"retry": ["P1D", "PT15H1S"]}, "/retry"),
    "21 retries": ({"retry": [1] * 21}, "/retry"),
    "one number for retries": ({"retry": 5}, "/retry"),
    "a retry of null": ({"retry": [None]}, "/retry/0"),
    "a final status of 399": ({"final_statuses": [399]}, "/final_statuses/0"),
    "a final status of 500": ({"final_statuses": [400, 500]}, "/final_statuses/1"),
    "a final status as text": ({"final_statuses": ["404"]}, "/final_statuses/0"),
    "21 final statuses": ({"final_statuses": list(range(400, 421))}, "/final_statuses"),
    "concurrency of 0": ({"concurrency": 0}, "/concurrency"),
    "concurrency of 101": ({"concurrency": 101}, "/concurrency"),
    "concurrency of true": ({"concurrency": True}, "/concurrency"),
    "concurrency of 1.5": ({"concurrency": 1.5}, "/concurrency"),
    "a rate of 0": ({"rate": {"count": 0, "per": "1s"}}, "/rate/count"),
    "a rate per 2 s": ({"rate": {"count": 1, "per": "2s"}}, "/rate/per"),
    "a rate per nothing": ({"rate": {"count": 1}}, "/rate/per"),
    "one number for a rate": ({"rate": 5}, "/rate"),
    "ordered by a number": ({"ordered": 1}, "/ordered"),
    "a ca that is no certificate": ({"ca": "no certificate"}, "/ca"),
    "a ca of 16 KiB and 1": ({"ca": ca_of(16 * 1024 + 1)}, "/ca"),
    "a ca of more bytes than characters": ({"ca": ca_of(16 * 1024, "\u00e4")}, "/ca"),
    "an alert target that is no id": ({"alert_target": "a.b"}, "/alert_target"),
    "21 headers": ({"headers": {f"h{n}": "x" for n in range(21)}}, "/headers"),
    "21 secret headers": ({"secret_headers": {f"h{n}": "x" for n in range(21)}}, "/secret_headers"),
    "headers in a list": ({"headers": []}, "/headers"),
    "a header of a number": ({"headers": {"a": 1}}, "/headers/a"),
}


@pytest.mark.parametrize(("given", "pointer"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_told_at_its_field(given: dict[str, Any], pointer: str) -> None:
    assert pointers({**WEBHOOK, **given}) == [pointer]


LIMITS: dict[str, dict[str, Any]] = {
    "a name of 200 characters": {"name": "x" * 200},
    "a url of 2048 characters": {"url": url_of(2048)},
    "a timeout of 1 s": {"timeout": 1},
    "a timeout of 30 s": {"timeout": "PT30S"},
    "20 retries of 1 s": {"retry": [1] * 20},
    "retries of 39 h, one of 24 h": {"retry": ["PT24H", "PT15H"]},
    "no final status": {"final_statuses": []},
    "20 final statuses": {"final_statuses": list(range(400, 420))},
    "a final status of 499": {"final_statuses": [499]},
    "concurrency of 1": {"concurrency": 1},
    "concurrency of 100": {"concurrency": 100},
    "a rate of 1 a second": {"rate": {"count": 1, "per": "1s"}},
    "a rate a minute": {"rate": {"count": 60, "per": "1m"}},
    "a rate of 100000 an hour": {"rate": {"count": 100_000, "per": "1h"}},
    "20 headers": {"headers": {f"h{n}": "x" for n in range(20)}},
    "a header of 100 and 2048 characters": {"headers": {"x" * 100: "x" * 2048}},
    "20 secret headers": {"secret_headers": {f"h{n}": "x" for n in range(20)}},
    "a secret header of 100 and 2048 characters": {"secret_headers": {"x" * 100: "x" * 2048}},
    "the payload for a body": {"body": "payload"},
    "ordered": {"ordered": True},
    "a ca of 16 KiB": {"ca": ca_of(16 * 1024)},
    "an alert target": {"alert_target": "ops"},
}


@pytest.mark.parametrize("given", LIMITS.values(), ids=LIMITS)
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
        "proxy-connection",
        "Content-Encoding",
        "Accept-Encoding",
        "User-Agent",
        "Date",
        "Traceparent",
        "webhook-id",
        "Webhook-Signature",
        "webhook-own",
        "ce-id",
        "CE-Own",
        "etp-attempt",
        "Etp-Own",
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
    "value",
    [
        "",
        " ",
        "a\r\nb",
        "a\rb",
        "a\nb",
        "a\x00",
        "a ",
        " a",
        "\ta",
        "a\tb",
        "ä",
        "x" * 2049,
        "a\x7f",
    ],
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
    check_subject("out." + "x" * 64, DEFAULT)
    check_subject(".".join(["out"] + ["x" * 64] * 15), DEFAULT)
    check_subject("a", ("a",))
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
