"""Callers that tests of the API have."""

from chassis.auth.jwt.local_issuer import LocalIssuer
from chassis.identity import utc_now

SCOPE = "{{ cookiecutter.__resource }}:read {{ cookiecutter.__resource }}:write"


def headers_of(subject: str, scope: str = SCOPE) -> dict[str, str]:
    """The headers of a caller's requests.

    Args:
        subject: who sends them.
        scope: permissions, separated by spaces; by default all.
    """
    issuer = LocalIssuer("{{ cookiecutter.service_slug }}")
    token = issuer.create_token(subject=subject, scope=scope, now=utc_now())
    return {"authorization": f"Bearer {token}"}


HEADERS = headers_of("tests")
