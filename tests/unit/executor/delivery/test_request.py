"""What is sent: exact headers, bodies, and signatures that the reference library accepts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from trigger_contracts.targets.secrets import new_secret
from trigger_executor.domain.delivery.own_secrets import OwnSecrets
from trigger_executor.domain.delivery.request import (
    WebhookRequest,
    body_of,
    subject_message,
    valid_secrets,
    webhook_request,
)

from .attempts import EVENT, EVENT_ID, NOON, PAYLOAD, make_attempt, sealed_secret

OLD, NEW, OTHER = new_secret(), new_secret(), new_secret()
AGENT = "event-trigger-platform/1.2.3"


def request(secrets: OwnSecrets | None = None, now: datetime = NOON, **fields) -> WebhookRequest:
    own = secrets or OwnSecrets(signing=(NEW,))
    return webhook_request(make_attempt(**fields), own, now, user_agent=AGENT)


def test_a_request_has_these_headers_and_no_others() -> None:
    headers = dict(request(number=3).headers)
    assert headers.pop("webhook-signature").startswith("v1,")
    assert headers.pop("traceparent").startswith(f"00-{EVENT_ID.replace('-', '')}-")
    assert headers == {
        "Content-Type": "application/cloudevents+json",
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(int(NOON.timestamp())),
        "etp-attempt": "3",
        "etp-test": "false",
        "User-Agent": AGENT,
        "Accept-Encoding": "identity",
        "Accept": "*/*",
    }


def test_a_test_says_so() -> None:
    assert request(is_test=True).headers["etp-test"] == "true"


def test_own_headers_are_sent_in_the_clear_and_may_say_what_is_accepted() -> None:
    secrets = OwnSecrets(signing=(NEW,), headers={"Authorization": "Bearer abc"})
    headers = request(secrets, headers={"accept": "application/json", "X-Team": "a"}).headers
    assert headers["X-Team"] == "a"
    assert headers["Authorization"] == "Bearer abc"
    assert [name for name in headers if name.lower() == "accept"] == ["accept"]


def test_the_trace_says_whether_it_is_sampled_and_each_attempt_is_a_span() -> None:
    traces = [
        request(number=number, is_sampled=sampled).headers["traceparent"]
        for number, sampled in ((1, True), (1, False), (2, True))
    ]
    assert [trace[-2:] for trace in traces] == ["01", "00", "01"]
    assert traces[0][:-2] == traces[1][:-2] != traces[2][:-2]


def test_the_body_is_the_event_byte_for_byte() -> None:
    assert request().body is EVENT


def test_the_body_may_be_the_payload_alone() -> None:
    sent = request(body="payload")
    assert json.loads(sent.body) == PAYLOAD
    assert sent.headers["Content-Type"] == "application/json"
    assert "grüße".encode() in sent.body


def test_a_payload_that_is_null_is_sent_as_such() -> None:
    assert body_of(b'{"data":{"payload":null}}', "payload") == b"null"


@pytest.mark.parametrize("event", [b"{}", b'{"data":[]}', b"no json"])
def test_what_has_no_payload_says_so(event: bytes) -> None:
    with pytest.raises(ValueError, match=r"payload|JSON|expected"):
        body_of(event, "payload")


@pytest.mark.parametrize("body", ["event", "payload"])
@pytest.mark.parametrize("which", ["old", "new"])
def test_during_a_rotation_either_secret_verifies_the_request(body: str, which: str) -> None:
    known = {"old": OLD, "new": NEW}[which]
    now = datetime.now(UTC)
    sent = request(OwnSecrets(signing=(NEW, OLD)), now, body=body)
    headers = dict(sent.headers)
    assert Webhook(known).verify(sent.body, headers) == json.loads(sent.body)
    assert len(headers["webhook-signature"].split(" ")) == 2
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(sent.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(known).verify(sent.body + b" ", headers)


def test_the_newest_secret_signs_first() -> None:
    both = request(OwnSecrets(signing=(NEW, OLD))).headers["webhook-signature"]
    alone = request(OwnSecrets(signing=(NEW,))).headers["webhook-signature"]
    assert both.split(" ")[0] == alone


def test_a_secret_signs_until_its_overlap_is_over() -> None:
    secrets = (sealed_secret("new"), sealed_secret("old", NOON + timedelta(hours=1)))
    told = [
        [one.sealed for one in valid_secrets(secrets, NOON + timedelta(minutes=minutes))]
        for minutes in (0, 59, 60)
    ]
    assert told == [["new", "old"], ["new", "old"], ["new"]]


def test_a_message_for_a_subject_has_the_same_headers_and_the_events_id() -> None:
    message = subject_message(make_attempt(type="nats", subject="out.orders", number=2), NOON)
    assert (message.subject, message.body) == ("out.orders", EVENT)
    headers = dict(message.headers)
    assert headers.pop("traceparent")
    assert headers == {
        "Nats-Msg-Id": EVENT_ID,
        "Content-Type": "application/cloudevents+json",
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(int(NOON.timestamp())),
        "etp-attempt": "2",
        "etp-test": "false",
    }


def test_nothing_of_a_request_is_shown() -> None:
    sent = request(OwnSecrets(signing=(NEW,), headers={"X-Key": "hidden"}))
    assert NEW not in repr(sent)
    assert "hidden" not in repr(sent)
