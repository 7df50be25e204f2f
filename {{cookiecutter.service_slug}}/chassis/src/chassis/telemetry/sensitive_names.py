"""Which field names denote secrets or personal data, judged by the words in them."""

import re
from collections.abc import Iterable

_SECRETS = """
    access_key api_key apikey authorization bearer connection_string cookie credential dsn encryption_key jwt otp
    passphrase passwd password pin private_key pwd secret session_id signing_key token
"""
_PERSONAL = """
    billing_address birth_date birthday card_number client_address client_ip cvc cvv date_of_birth delivery_address
    e_mail email family_name first_name forwarded_for full_name given_name home_address iban ip_address last_name
    mobile passport phone postal_address remote_addr remote_address shipping_address ssn street surname tax_id telephone
"""
# These suffixes denote metadata, not the secret: `token_count`, `password_changed_at`.
_SUFFIXES = "at bytes count expired expires expiry kind length limit ms seconds size total ttl type valid verified"
_harmless = re.compile(rf"_(?:{'|'.join(_SUFFIXES.split())})\Z")
_between_words = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")


class SensitiveNames:
    """Sensitive names in any spelling: `api_key`, `X-API-Key` and `apiKeys` are the same."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        """Choose the names.

        Args:
            further: names, or words of names, in addition to those listed here; sensitive with any suffix.
        """
        own = [_words(name) for name in further]
        self._known = _pattern((_SECRETS + _PERSONAL).split())
        self._own = _pattern(own) if own else None

    def __contains__(self, name: str) -> bool:
        words = _words(name)
        if self._own and self._own.search(words):
            return True
        return bool(self._known.search(words)) and not _harmless.search(words)


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:\A|_)(?:{'|'.join(map(re.escape, names))})s?(?:_|\Z)")


def _words(name: str) -> str:
    return _between_words.sub("_", name).lower().strip("_")
