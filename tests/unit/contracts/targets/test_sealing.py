"""Sealed secrets: only their key opens them, and only in the place they were made for."""

import pytest

from trigger_contracts.targets.sealing import (
    SealError,
    is_sealed,
    new_key,
    opening_keys,
    public_of,
    sealing_key,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLACE = {"target_id": "t-1", "field": "secret"}


def test_what_is_sealed_is_opened_by_its_key_and_says_nothing_else() -> None:
    key = new_key()
    sealed = sealing_key(public_of(key)).seal(SECRET, **PLACE)
    assert is_sealed(sealed)
    assert SECRET not in sealed
    assert opening_keys([key]).open(sealed, **PLACE) == SECRET
    # Two of one secret are not to be told for the same.
    assert sealing_key(public_of(key)).seal(SECRET, **PLACE) != sealed


def test_an_older_key_still_opens_and_an_unknown_one_is_named_by_its_id() -> None:
    old, new, other = new_key(), new_key(), new_key()
    sealed = sealing_key(public_of(old)).seal(SECRET, **PLACE)
    assert opening_keys([new, old]).open(sealed, **PLACE) == SECRET
    assert opening_keys([new, old]).current.text == public_of(new)
    with pytest.raises(SealError, match=sealed.split(".")[1]):
        opening_keys([other]).open(sealed, **PLACE)


@pytest.mark.parametrize(
    "place", [{"target_id": "t-2", "field": "secret"}, {"target_id": "t-1", "field": "other"}]
)
def test_moved_to_another_place_it_does_not_open(place: dict[str, str]) -> None:
    key = new_key()
    sealed = sealing_key(public_of(key)).seal(SECRET, **PLACE)
    with pytest.raises(SealError):
        opening_keys([key]).open(sealed, **place)


def test_one_changed_letter_and_it_does_not_open() -> None:
    key = new_key()
    sealed = sealing_key(public_of(key)).seal(SECRET, **PLACE)
    version, key_id, text = sealed.split(".")
    for place in (0, len(text) // 2, len(text) - 2):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(SealError):
            opening_keys([key]).open(f"{version}.{key_id}.{changed}", **PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SECRET,
        "hpke1",
        "hpke1..",
        "hpke2.0123456789abcdef." + "A" * 64,
        "hpke1.0123.AAAA",
        "hpke1.0123456789abcdef." + "A" * 47,
        "hpke1.0123456789abcdef." + "A" * 63 + "\n",
    ],
)
def test_what_has_another_form_is_not_sealed(text: str) -> None:
    assert not is_sealed(text)
    with pytest.raises(SealError, match="not sealed"):
        opening_keys([new_key()]).open(text, **PLACE)


@pytest.mark.parametrize("text", ["", "x", "A" * 42, "A" * 44, "ü" * 43, "A" * 42 + " "])
def test_what_is_no_key_is_said_without_quoting_it(text: str) -> None:
    for made in (sealing_key, lambda one: opening_keys([one])):
        with pytest.raises(SealError) as error:
            made(text)
        assert not text or text not in str(error.value)
    with pytest.raises(SealError):
        opening_keys([])
