"""Where a service may run."""

from enum import StrEnum


class Environment(StrEnum):
    """Only `local` may do without servers."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"
