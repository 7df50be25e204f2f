"""Where a service may run."""

from enum import StrEnum


class Environment(StrEnum):
    """The stage. Only `local` accepts in-memory adapters."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"
