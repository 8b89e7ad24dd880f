"""What a body is, by its header, and in which charset."""

import pytest

from trigger_api.entrypoints.content_types import check_json, splitting
from trigger_contracts import bulk_body
from trigger_contracts.errors import Code, Refused

TAKEN = [
    *(b"", b";", b"; charset=utf-8", b";charset=UTF-8", b'; charset="Utf-8"', b"; Charset=utf8"),
    *(b'; charset="u\\tf-8"', b"; charset = utf-8 ", b'; a="x;charset=utf-16"; charset=utf-8'),
    *(b"; foo", b"; a=b; c", b'; a="\\";charset=utf-16"'),
]
OTHERS = [
    *(
        b"; charset=utf-16",
        b";CHARSET=iso-8859-1",
        b'; charset="utf-16"',
        b"; charset=",
        b"; charset",
    ),
    *(b"; charset=utf-8; charset=utf-16", b"; a=b;; charset=latin1", b'; charset="utf-16'),
    *(b'; a="x"; charset=utf-16le', b"; charset = utf-32", b'; a="; charset=utf-16'),
]


@pytest.mark.parametrize("parameters", TAKEN)
def test_utf_8_is_taken_however_it_is_written(parameters: bytes) -> None:
    check_json(None)
    check_json(b"application/json" + parameters)
    check_json(b"application/merge-patch+json" + parameters)
    assert splitting(b"application/json" + parameters) is bulk_body.elements
    assert splitting(b"application/x-ndjson" + parameters) is bulk_body.lines


@pytest.mark.parametrize("parameters", OTHERS)
@pytest.mark.parametrize("kind", [b"application/json", b"a/b+json", b"application/x-ndjson"])
def test_another_charset_is_refused_and_utf_8_named(kind: bytes, parameters: bytes) -> None:
    kind = kind.replace(b"a/b", b"application/b")
    for read in (splitting,) if kind.endswith(b"ndjson") else (check_json, splitting):
        with pytest.raises(Refused) as caught:
            read(kind + parameters)
        assert caught.value.problem.code is Code.UNSUPPORTED_MEDIA_TYPE
        assert "charset may be utf-8" in caught.value.problem.detail


@pytest.mark.parametrize("value", [b"text/plain", b"", b"json", b"text/plain; charset=utf-16"])
def test_another_type_is_refused_with_what_to_send(value: bytes) -> None:
    for read in (check_json, splitting):
        with pytest.raises(Refused, match="Content-Type: application/"):
            read(value)
