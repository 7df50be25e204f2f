"""Where a service may run."""

from enum import StrEnum


class Environment(StrEnum):
    """Only `local` may be left with settings that are good enough for a first look."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"
