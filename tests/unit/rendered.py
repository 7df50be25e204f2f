"""Hooks as modules: rendered like cookiecutter renders them, and imported."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context

from tests.baked import literal
from tools import options


def answers(**given: object) -> dict[str, Any]:
    """All answers, given and derived, as hooks and files see them."""
    literally = {option: literal(answer) for option, answer in given.items()}
    context = generate_context(str(options.ROOT / "cookiecutter.json"), extra_context=literally)
    return dict(prompt_for_config(context, no_input=True))


def text(template: str, context: Mapping[str, Any]) -> str:
    """A template, rendered with everything that cookiecutter's own rendering has."""
    environment = create_env_with_context({"cookiecutter": dict(context["cookiecutter"])})
    return str(environment.from_string(template).render(**context))


def hook(name: str, folder: Path, given: Mapping[str, Any], declared: Mapping[str, Any] | None = None) -> ModuleType:
    """A hook that was given these answers; `declared` is what cookiecutter hands over of the options, if it does."""
    source = (options.ROOT / "hooks" / f"{name}.py").read_text(encoding="utf-8")
    context = {"cookiecutter": given} if declared is None else {"cookiecutter": given, "_cookiecutter": declared}
    path = folder / f"{name}.py"
    path.write_text(text(source, context), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keep
    return module
