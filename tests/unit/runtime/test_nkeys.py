"""NKEY seeds and credentials files, as NATS' own tools write them."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.nats_keys import ACCOUNT, USER, KeyPair, creds
from trigger_runtime.process.nkeys import from_creds, from_seed

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
"""The pair of NATS' documentation."""


def test_the_public_key_is_the_one_that_nats_tools_say() -> None:
    assert from_seed(SEED).public == PUBLIC
    assert from_seed(f"# a comment\n\n{SEED}\n").public == PUBLIC


def test_a_challenge_is_signed_by_the_seeds_key() -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b32decode(PUBLIC)[1:33])
    key.verify(base64.b64decode(from_seed(SEED).sign("nonce")), b"nonce")


def test_a_credentials_file_holds_both() -> None:
    identity = from_creds(creds("a.b.c", SEED))
    assert (identity.public, identity.jwt) == (PUBLIC, "a.b.c")


@pytest.mark.parametrize(
    "text", ["", "hunter2", SEED[:-1], SEED[:-1] + "A", SEED.lower(), PUBLIC, "SUA=", "SÜ"]
)
def test_what_is_no_seed_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^holds no NKEY seed$"):
        from_seed(text)


def test_the_seed_of_an_account_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^holds the NKEY seed of something else than a user$"):
        from_seed(KeyPair(ACCOUNT).seed)


@pytest.mark.parametrize("text", ["", SEED, creds("a.b.c", SEED)[:200]])
def test_what_are_no_credentials_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^holds no user JWT and NKEY seed between"):
        from_creds(text)


def test_a_seed_is_not_printed() -> None:
    key = KeyPair(USER)
    identity = from_seed(key.seed)
    assert identity.public == key.public
    assert key.seed not in repr(identity)
    assert repr(identity.key) not in repr(identity)
