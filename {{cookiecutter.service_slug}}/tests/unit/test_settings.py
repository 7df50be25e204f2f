"""The documents about settings are made from the settings, and a developer's machine needs none."""

from pathlib import Path
from typing import Any

import yaml
from chassis.settings import sections
from chassis.settings.documents import example, reference

ROOT = Path(__file__).parents[2]


def test_a_developers_machine_needs_no_settings(settings: Any) -> None:
    assert settings.service.environment == "local"


def test_the_example_lists_every_setting(settings: Any) -> None:
    committed = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert committed == example(type(settings)), "the settings have changed: run `make env-example`"


def test_the_reference_lists_every_setting(settings: Any) -> None:
    committed = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert committed == reference(type(settings)), "the settings have changed: run `make configuration`"


def test_every_key_of_the_configmap_is_a_setting(settings: Any) -> None:
    known = {section.variable(name) for section in sections(type(settings)).values() for name in section.model_fields}
    keys = yaml.safe_load((ROOT / "k8s" / "configmap.yaml").read_text(encoding="utf-8"))["data"].keys()
    assert keys <= known, f"not a setting: {', '.join(sorted(keys - known))}"
