"""Renders answers, texts and hooks the way cookiecutter does, without generating anything."""

import sys
import tempfile
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from jinja2 import FileSystemLoader

from tools import options


def answers(**given: object) -> dict[str, Any]:
    """All answers, given and derived, as hooks and files see them."""
    literally = {option: literal(answer) for option, answer in given.items()}
    context = generate_context(str(options.ROOT / "cookiecutter.json"), extra_context=literally)
    return dict(prompt_for_config(context, no_input=True))


def literal(answer: Any) -> Any:  # noqa: ANN401 - whatever a user may put into an answer file
    """The answer, protected from being rendered: cookiecutter takes a given answer for a template, a typed one not."""
    if not isinstance(answer, str) or "{" not in answer:
        return answer
    quoted = answer.replace("\\", "\\\\").replace("'", "\\'")
    return "{{ '" + quoted + "' }}"


def text(template: str, context: Mapping[str, Any], folder: Path = options.TEMPLATE) -> str:
    """A template, rendered with everything that cookiecutter's own rendering has; includes come from `folder`."""
    environment = create_env_with_context({"cookiecutter": dict(context["cookiecutter"])})
    environment.loader = FileSystemLoader([folder, options.ROOT / "templates"])
    return str(environment.from_string(template).render(**context))


def hook(name: str, given: Mapping[str, Any], declared: Mapping[str, Any] | None = None) -> ModuleType:
    """A hook that was given these answers; `declared` is what cookiecutter hands over of the options, if it does."""
    source = (options.ROOT / "hooks" / f"{name}.py").read_text(encoding="utf-8")
    context = {"cookiecutter": given} if declared is None else {"cookiecutter": given, "_cookiecutter": declared}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(text(source, context), encoding="utf-8")
        return _imported(name, path)


def _imported(name: str, path: Path) -> ModuleType:
    loader = SourceFileLoader(name, str(path))
    module = ModuleType(name)
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keep
    return module
