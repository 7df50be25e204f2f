"""Base class of every group of settings."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidatorFunctionWrapHandler, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .environment import Environment


class Section(BaseSettings):
    """Variables of one concern, from the environment or a local `.env` file. An empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def is_usable(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        """Any bytes can be in a variable, and a file's name can be one that the system refuses to look up."""
        if isinstance(value, str) and ("\0" in value or value != value.encode(errors="replace").decode()):
            raise ValueError("is not UTF-8 text")
        try:
            return validate(value)
        except OSError as error:
            raise ValueError(error.strerror or "cannot be read") from None

    @field_validator("environment", "level", "format", "tls", "pooler", mode="before", check_fields=False)
    @classmethod
    def in_lower_case(cls, value: object) -> object:
        """INFO and info are the same word."""
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    def problems_in(self, environment: Environment) -> Sequence[str]:
        """Why these values must not be used in an environment, one line `NAME: reason` each.

        Sections override it for rules of their own; missing values and placeholders are checked for every section.
        """
        del environment
        return []

    @classmethod
    def library_problems(cls) -> Sequence[str]:
        """Problems with variables that a library reads by itself, one line `NAME: reason` each.

        Sections override it if their library would fail late, or without the variable's name.
        """
        return []


def comma_separated(value: str) -> Iterator[str]:
    """The parts of a setting that is a list, without the spaces around them."""
    return (part for part in (each.strip() for each in value.split(",")) if part)
