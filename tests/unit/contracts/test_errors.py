"""Refusals: one table of codes, the same problem by REST and by NATS."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from trigger_contracts.errors import (
    MAX_REPORTED_ERRORS,
    MAX_SHOWN_CHARACTERS,
    Code,
    FieldError,
    Problem,
    from_validation,
    pointer,
    problem,
)
from trigger_contracts.errors import refused as refuse


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_status_and_a_title(code: Code):
    made = problem(code, "because")

    assert 400 <= made.status < 600
    assert made.title
    assert made.type == f"urn:etp:problem:{code}"
    assert Problem.model_validate_json(made.model_dump_json()) == made


def test_codes_are_stable_names():
    """Programs match on these: a name once given stays."""
    assert {
        *("malformed-json", "unauthorized", "cross-site", "not-found", "gone"),
        *("idempotency-mismatch",),
        *("trigger-exists", "version-mismatch", "body-too-large", "invalid", "schedule-in-past"),
        *("schedule-beyond-horizon", "cron-not-available", "unknown-timezone", "invalid-schema"),
        *("cron-never-fires", "not-replayable"),
        *("payload-schema-mismatch", "pause-not-supported", "unknown-schema-version"),
        *("unavailable", "internal"),
    } <= {code.value for code in Code}


def test_a_refusal_of_a_field_points_at_it():
    error = refuse(Code.INVALID, "must be blue", pointer="/colour")

    assert str(error) == "must be blue"
    assert error.problem.errors == (FieldError(pointer="/colour", message="must be blue"),)
    assert refuse(Code.NOT_FOUND, "no").problem.errors == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [([], ""), (["a", 0], "/a/0"), (["a/b", "c~d"], "/a~1b/c~0d"), (["~1"], "/~01"), ([""], "/")],
)
def test_pointers_are_those_of_rfc_6901(path: list[str | int], text: str):
    assert pointer(path) == text


@given(st.lists(st.text()))
def test_a_pointer_leads_back_to_its_path(path: list[str]):
    tokens = pointer(path).split("/")[1:]

    assert [token.replace("~1", "/").replace("~0", "~") for token in tokens] == path


class Example(BaseModel, extra="forbid"):
    number: int
    inner: dict[str, int] = {}


def test_what_pydantic_says_becomes_one_entry_a_field():
    with pytest.raises(ValidationError) as error:
        Example.model_validate({"inner": {"a/b": "x"}, "secret": "s3cr3t"})

    made = from_validation(error.value)

    assert made.code is Code.INVALID
    assert {one.pointer for one in made.errors} == {"/number", "/inner/a~1b", "/secret"}
    assert made.detail == "3 fields are not valid"
    assert "s3cr3t" not in made.model_dump_json(), "a caller's values are not repeated"
    assert "This field is not known" in {one.message for one in made.errors}


class Shapes(BaseModel):
    pairs: tuple[str, ...] = ()
    items: list[int] = []
    table: dict[str, int] = {}
    inner: Example | None = None


@pytest.mark.parametrize(
    ("field", "expected"),
    [("pairs", "array"), ("items", "array"), ("table", "object"), ("inner", "object")],
)
def test_a_wrong_shape_is_named_in_the_words_of_json(field: str, expected: str):
    """Python's words (tuple, dictionary, instance) say nothing to who wrote JSON."""
    with pytest.raises(ValidationError) as error:
        Shapes.model_validate({field: "x"})

    (found,) = from_validation(error.value).errors

    assert (found.pointer, found.message) == (f"/{field}", f"Input should be an {expected}")


def test_a_few_of_many_errors_are_named_and_all_are_counted():
    """A refusal is sent as one message: 25,000 unknown fields made one too large to send."""
    with pytest.raises(ValidationError) as error:
        Example.model_validate({"number": 1, **{"x" * 500 + str(n): n for n in range(25_000)}})

    made = from_validation(error.value)

    assert len(made.errors) == MAX_REPORTED_ERRORS
    assert made.detail == "25000 fields are not valid; the first 20 are named"
    assert all(len(one.pointer) <= MAX_SHOWN_CHARACTERS for one in made.errors)


def test_a_single_error_is_the_detail_itself():
    with pytest.raises(ValidationError) as error:
        Example.model_validate({"number": "x"})

    made = from_validation(error.value)

    assert made.detail == made.errors[0].message
    assert json.loads(made.model_dump_json())["errors"][0]["pointer"] == "/number"
