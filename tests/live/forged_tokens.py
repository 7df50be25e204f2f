"""Access tokens as an attacker makes them, from one that a provider has issued and from what it publishes."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Part = dict[str, Any]
MORE = {"scope": "orders:read orders:write orders:admin", "sub": "admin"}


def forged(genuine: str, key: Part) -> Iterator[tuple[str, str]]:
    """Tokens that must be refused, each with its name.

    Args:
        genuine: one that is accepted, signed with RS256.
        key: that it was signed with, as the provider publishes it (RFC 7517).
    """
    first, second, signature = genuine.split(".")
    header, claims = decoded(first), decoded(second)
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = _public(another) | {"kid": key["kid"], "alg": "RS256", "use": "sig"}
    yield "claims of another token", f"{first}.{encoded(claims | MORE)}.{signature}"
    yield "truncated", genuine[:-10]
    yield "no signature", f"{first}.{second}."
    yield "two parts", f"{first}.{second}"
    yield "five parts", f"{genuine}.AAAA.AAAA"
    yield "oversized", f"{first}.{encoded(claims | {'note': 'x' * 20_000})}.{signature}"
    for algorithm in ("none", "None", "NONE", "nOnE"):
        yield f"alg={algorithm}", f"{encoded(header | {'alg': algorithm})}.{second}."
    yield "HS256 with the public key", _with_hmac(header | {"alg": "HS256"}, claims, key)
    headers: dict[str, Part] = {
        "another key under a known kid": {},
        "an unknown kid": {"kid": "unknown"},
        "a path as kid": {"kid": "../../../../dev/null"},
        "SQL as kid": {"kid": "' UNION SELECT 'x' --"},
        "a URL as kid": {"kid": "https://evil.example.com/key"},
        "a kid of 5,000 characters": {"kid": "k" * 5_000},
        "an embedded jwk": {"jwk": published},
        "jku": {"jku": "https://evil.example.com/keys"},
        "x5u": {"x5u": "https://evil.example.com/certificate"},
        "crit": {"crit": ["exp"]},
    }
    for name, change in headers.items():
        yield name, _signed(header | change, claims, another)
    yield "no kid, with another key", _signed({"alg": "RS256"}, claims, another)
    yield (
        "no expiry, with another key",
        _signed(header, {name: claims[name] for name in claims if name != "exp"}, another),
    )


def decoded(part: str) -> Part:
    """A header, or claims."""
    found: Part = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def encoded(part: Part) -> str:
    """The text of a header, or of claims."""
    return _base64(json.dumps(part).encode())


def _signed(header: Part, claims: Part, key: rsa.RSAPrivateKey) -> str:
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{_base64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _with_hmac(header: Part, claims: Part, key: Part) -> str:
    """Signed with what is public, as a secret: accepted where the token decides how it is verified."""
    numbers = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"]))
    public = numbers.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{_base64(hmac.digest(public, text.encode(), hashlib.sha256))}"


def _public(key: rsa.RSAPrivateKey) -> Part:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": _base64(_bytes(numbers.n)), "e": _base64(_bytes(numbers.e))}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
