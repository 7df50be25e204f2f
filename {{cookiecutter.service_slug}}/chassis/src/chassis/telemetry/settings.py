"""Settings of logs."""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from ..settings import Environment, Section


class LogSettings(Section, env_prefix="LOG_"):
    """Log level and format."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="json, console (colors, for people) or auto: console on a terminal, else json"
    )
    redacted_keys: str = Field("", description="names of further fields to redact, separated by commas")

    @field_validator("redacted_keys")
    @classmethod
    def are_names(cls, keys: str) -> str:
        """A name holds a letter or a digit."""
        if keys and not all(re.search(r"[^\W_]", key) for key in keys.split(",")):
            raise ValueError("names separated by commas, such as customer_name,note")
        return keys

    @property
    def redacted(self) -> list[str]:
        """The names as a list."""
        return [key.strip() for key in self.redacted_keys.split(",")] if self.redacted_keys else []

    def problems_in(self, environment: Environment) -> Sequence[str]:
        """Debug logs hold data of clients."""
        if environment is Environment.PRODUCTION and self.level == "debug":
            return ["LOG_LEVEL: debug logs too much for production; use info, and `log-level debug` for some minutes"]
        return []
