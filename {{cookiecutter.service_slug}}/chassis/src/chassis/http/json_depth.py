"""How deeply a JSON document is nested, found out before it is parsed.

Parsers, validation and serializers recurse, each to a limit of its own: Python's json fails after some thousand levels,
pydantic and orjson read what they later refuse to write (255 levels), and what fails last is answered with 500.
"""

import json
from itertools import accumulate

# Documents that people write have fewer than ten levels; the responses that contain one may add some.
MAX_JSON_DEPTH = 100

_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_OTHERS = bytes(byte for byte in range(256) if byte not in _STEPS)


def is_nested_too_deeply(body: bytes) -> bool:
    """Whether a JSON document has more than MAX_JSON_DEPTH levels of arrays and objects.

    Malformed documents are counted up to where they are well-formed, which is where a parser gives up.

    Args:
        body: the document, in any encoding that JSON is read in.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_JSON_DEPTH:  # nearly all documents, in less than a microsecond
        return False
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
    except UnicodeDecodeError:  # so it fails in the parser, which reads nothing before it is decoded
        return False
    brackets = _without_strings(text).encode("ascii", "ignore").translate(None, _OTHERS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_JSON_DEPTH


def _without_strings(text: str) -> str:
    """Every second part between quotes, once those within strings are gone."""
    return "".join(text.replace(r"\\", "").replace(r"\"", "").split('"')[::2])
