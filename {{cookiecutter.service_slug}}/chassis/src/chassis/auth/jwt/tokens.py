"""Verifies access tokens (RFC 7519, RFC 9068), with the precautions of RFC 8725."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_CHARACTERS = 8_192
MAX_DEPTH = 16
# They bring a key or name where one is, which would let the sender choose it; or they demand what is not known here.
FORBIDDEN_HEADERS = frozenset({"crit", "jku", "jwk", "x5c", "x5u"})
REQUIRED_CLAIMS = ["aud", "exp", "iss", "sub"]
# Of everything that goes into logs, events and tables.
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class InvalidToken(Exception):
    """A token is not accepted; the message is safe to show, also within a quoted string of a header."""


class Claims(BaseModel):
    """The claims of a verified token. Claims beyond these are in `more`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    sub: Name
    exp: Annotated[int | float, Field(ge=0, le=2**53)]
    nbf: int | float | None = None
    scope: str = ""
    client_id: Name | None = None
    # OpenID Connect's older name for it.
    azp: Name | None = None

    @property
    def client(self) -> str | None:
        """The application that the token was issued to."""
        return self.client_id or self.azp

    def texts(self, path: str) -> Sequence[str]:
        """The texts in a claim.

        Args:
            path: of the claim, such as `realm_access.roles`.

        Returns:
            those of a list, or of a text with spaces; none if there is no such claim.
        """
        found: Any = self.model_extra
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found.split()
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


class Keys(Protocol):
    """The issuer's keys."""

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key for a token.

        Args:
            kid: the key's name in the token's header.
            algorithm: of the signature; one of those that are accepted.

        Raises:
            Unavailable: no keys are known, because the issuer does not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVerifier:
    """Verifies the tokens of one issuer for one audience.

    Args:
        issuer: the exact value of `iss`.
        audience: a value of `aud`.
        algorithms: accepted signatures.
        keys: of the issuer.
        leeway_seconds: how much clocks may differ.
    """

    issuer: str
    audience: str
    algorithms: frozenset[str]
    keys: Keys
    leeway_seconds: float

    async def verify(self, token: str) -> Claims:
        """The claims of a token.

        Raises:
            InvalidToken: it is not accepted.
            Unavailable: it cannot be verified now.
        """
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            raise InvalidToken("the signature's algorithm is not accepted")
        if kid is not None and not isinstance(kid, str):
            raise InvalidToken("kid is not a text")
        key = await self.keys.find(kid, algorithm)
        if key is None:
            raise InvalidToken("it is signed with an unknown key")
        return self._claims(token, key, algorithm)

    def _claims(self, token: str, key: jwt.PyJWK, algorithm: str) -> Claims:
        try:
            decoded = jwt.decode(
                token,
                key,
                [algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=self.leeway_seconds,
                options={"require": REQUIRED_CLAIMS, "enforce_minimum_key_length": True},
            )
            return Claims.model_validate(decoded)
        except jwt.ExpiredSignatureError:
            raise InvalidToken("it has expired") from None
        except jwt.ImmatureSignatureError:
            raise InvalidToken("it is not valid yet") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise InvalidToken("it is for another audience, or of another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise InvalidToken(f"it has no {error.claim}") from None
        except jwt.InvalidSignatureError:
            raise InvalidToken("its signature is wrong") from None
        except (jwt.PyJWTError, ValidationError, OverflowError):
            raise InvalidToken("it is malformed") from None


def _header(token: str) -> dict[str, Any]:
    """The header, once header and claims are known to mean the same to every parser."""
    if len(token) > MAX_CHARACTERS:
        raise InvalidToken(f"it has more than {MAX_CHARACTERS} characters")
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("it is not a signed token of three parts")
    header, _ = (_object(part) for part in parts[:2])
    if found := FORBIDDEN_HEADERS.intersection(header):
        raise InvalidToken(f"its header has {min(found)}, which is not accepted")
    return header


def _object(part: str) -> dict[str, Any]:
    try:
        text = urlsafe_b64decode(part + "=" * (-len(part) % 4))
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidToken("it is malformed") from None
    if not isinstance(found, dict) or not _is_shallow(found):
        raise InvalidToken("it is malformed")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers disagree about which of two members with one name counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is repeated")
    return found


def _refuse(constant: str) -> float:
    """Python reads NaN and Infinity, which are not JSON."""
    raise ValueError(constant)


def _is_shallow(value: object) -> bool:
    """Whether nothing is nested deeper than any claim needs."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return True
    return False


def _within(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
