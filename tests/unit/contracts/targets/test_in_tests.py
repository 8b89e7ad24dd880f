"""A test without saving, and where its event is delivered to."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.contracts.factories import NOON, change, decide_on, make_test
from trigger_contracts.commands import id_of_test_target, new_target_id
from trigger_contracts.errors import Code, Refused
from trigger_contracts.targets.in_tests import under_target
from trigger_contracts.targets.sealing import new_key, public_of, sealing_key
from trigger_contracts.trigger import Rejected

ID = id_of_test_target("c2", NOON)
SEALED = sealing_key(public_of(new_key())).seal("whsec_x", target_id=ID, field="secret")
HOOK = {"type": "webhook", "url": "https://lab.example/hook", "secret": SEALED}


def tested(**given: Any):
    return decide_on(make_test(type="api", **given), None)


def test_by_id_it_takes_the_place_of_the_definitions_targets():
    made = change(tested(targets=["crm"], target="erp"))

    assert made.definition.targets == ("erp",)
    assert made.test_target is None


def test_without_one_it_is_delivered_to_the_definitions_targets():
    assert change(tested(targets=["crm"])).definition.targets == ("crm",)


def test_written_out_it_is_kept_in_the_change_of_the_test_alone():
    made = change(tested(targets=["crm"], target=HOOK))

    assert made.definition.targets == ()
    assert made.test_target is not None
    assert made.test_target.target_id == ID
    assert made.test_target.definition.url == "https://lab.example/hook"
    assert made.test_target.secret == SEALED
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_no_other_target_has_the_id_that_its_secrets_are_sealed_for():
    assert id_of_test_target("c2", NOON) == ID
    assert new_target_id("c2", NOON) != ID


@pytest.mark.parametrize(
    ("target", "pointer", "code"),
    [
        ({"type": "webhook", "url": "https://lab.example"}, "/secret", Code.SECRET_MUST_BE_SEALED),
        ({**HOOK, "secret": "whsec_x"}, "/secret", Code.SECRET_MUST_BE_SEALED),
        ({**HOOK, "secret": 7}, "/secret", Code.SECRET_MUST_BE_SEALED),
        (
            {**HOOK, "secret_headers": {"authorization": "Bearer x"}},
            "/secret_headers/authorization",
            Code.SECRET_MUST_BE_SEALED,
        ),
        ({**HOOK, "alert_target": "ops"}, "/alert_target", Code.INVALID),
        ({**HOOK, "timeout": 31}, "/timeout", Code.INVALID),
        ({**HOOK, "colour": 1}, "/colour", Code.INVALID),
        ({"type": "nats", "subject": "out.lab", "secret": SEALED}, "/secret", Code.INVALID),
        ({}, "/type", Code.INVALID),
    ],
)
def test_what_is_wrong_with_one_written_out_is_told_at_its_place(
    target: dict[str, Any], pointer: str, code: Code
):
    decision = tested(target=target)

    assert isinstance(decision, Rejected)
    assert decision.problem.code is code
    assert [error.pointer for error in decision.problem.errors] == [f"/target{pointer}"]


@pytest.mark.parametrize("target", [7, True, [], "a.b", "", "x" * 65])
def test_what_is_no_target_is_refused_as_a_whole(target: Any):
    with pytest.raises(ValidationError) as raised:
        make_test(type="api", target=target)

    assert [error["loc"] for error in raised.value.errors()] == [("target",)]


def test_a_refusal_as_a_whole_stays_one():
    refusal = Refused(tested(target="erp", colour=1).problem.model_copy(update={"errors": ()}))

    assert under_target(refusal).problem == refusal.problem
