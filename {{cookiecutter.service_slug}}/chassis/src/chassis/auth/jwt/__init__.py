"""Access tokens of OpenID Connect: JSON Web Tokens, verified with the keys that their issuer publishes."""

from .access import use_access_tokens
from .settings import AuthSettings

__all__ = ["AuthSettings", "use_access_tokens"]
