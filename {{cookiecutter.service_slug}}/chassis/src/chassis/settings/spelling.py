"""Finds variables that are nearly the name of a setting: a misspelled one is ignored, and nothing else would say so."""

import difflib
from collections.abc import Iterable, Mapping

from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from .section import Section

# HTTP_PROT is close enough to HTTP_PORT; HTTP_PROXY, which other programs read, is not.
SIMILARITY = 0.85
# Variables that a specification names and that libraries read too.
ELSEWHERE = "OTEL_"


def misspelled(sections: Iterable[type[Section]]) -> Mapping[str, str]:
    """Look at the environment and the `.env` file.

    Args:
        sections: all that the service has.

    Returns:
        the name of the nearest setting, for each variable that is none itself and begins like one.
    """
    known = {section.variable(field) for section in sections for field in section.model_fields}
    prefixes = tuple(f"{name.partition('_')[0]}_" for name in known)
    found = {
        name.upper()
        for section in sections
        for source in (EnvSettingsSource(section), DotEnvSettingsSource(section))
        for name in source.env_vars
    }
    nearest = {
        name: difflib.get_close_matches(name, known, 1, SIMILARITY)
        for name in sorted(found - known)
        if name.startswith(prefixes) and not name.startswith(ELSEWHERE)
    }
    return {name: match[0] for name, match in nearest.items() if match}
