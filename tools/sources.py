"""Which files of the template each file of a service comes from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from tools import options, rendering

OPTIONS = options.TEMPLATE / "options"
SLOT = re.compile(r"\bslot\(\"([^\"]+)\"")
QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.)*?"""
TAGS = re.compile(rf"\{{%{QUOTED}%\}}|\{{\{{{QUOTED}\}}\}}|\{{#.*?#\}}", re.DOTALL)
# Documents that a tool of the template makes from a service, by the beginning of their path.
MADE = {
    "contracts/": "python -m tools.contract",
    "observability/rules.yaml": "python -m tools.monitoring PYTHON",
    "observability/dashboard.json": "python -m tools.monitoring PYTHON",
    "k8s/components/monitoring/prometheusrule.yaml": "python -m tools.monitoring PYTHON",
}


@dataclass(frozen=True)
class Sources:
    """The template as these answers see it."""

    answers: Mapping[str, Any]

    @cached_property
    def files(self) -> dict[str, Path]:
        """For each path in the service, the file of the template that is rendered or copied there."""
        found = {path.as_posix(): options.CHASSIS / path.relative_to("chassis") for path in self._chassis()}
        for folder in [options.TEMPLATE, *(OPTIONS / name for name in self.folders)]:
            for file in _files(folder):
                found[self._named(file.relative_to(folder).as_posix())] = file
        return found

    @cached_property
    def folders(self) -> list[str]:
        """The folders below `options` that are laid: `database/mysql`, and the layers whose condition holds."""
        names = (path.relative_to(OPTIONS) for path in sorted(OPTIONS.glob("*/*")))
        return [name.as_posix() for name in names if self._hook.is_chosen(name)]

    def fragments(self, file: Path) -> dict[str, list[Path]]:
        """What fills the slots of a template file, by slot, with the slots of the fragments."""
        found: dict[str, list[Path]] = {}
        wanted = SLOT.findall(_text(file))
        for slot in wanted:
            paths = (OPTIONS / folder / "fragments" / slot for folder in self.folders)
            found[slot] = [path for path in paths if path.is_file()]
            wanted += [name for path in found[slot] for name in SLOT.findall(_text(path)) if name not in wanted]
        return found

    def all_of(self, file: Path) -> list[Path]:
        """A template file and all fragments in it."""
        return [file, *(path for paths in self.fragments(file).values() for path in paths)]

    @cached_property
    def pruning(self) -> Any:  # noqa: ANN401 - a class of the hook, which is a module only once it is rendered
        """What the hook removes from the chassis."""
        return self._hook.pruning(options.CHASSIS)

    @cached_property
    def _hook(self) -> ModuleType:
        return rendering.hook("post_gen_project", self.answers)

    def _chassis(self) -> Iterator[Path]:
        leaving = set(self.pruning.leaving)
        for path in options.CHASSIS.rglob("*"):
            if path.is_file() and not leaving & {path, *path.parents}:
                yield "chassis" / path.relative_to(options.CHASSIS)

    def _named(self, path: str) -> str:
        return rendering.text(path, {"cookiecutter": self.answers}) if "{" in path else path


def is_copied(file: Path) -> bool:
    """Whether a file reaches the service as it is, whatever is in it."""
    path = file.relative_to(options.TEMPLATE)
    patterns = options.model()["_copy_without_render"]
    return any(each.match(pattern) for each in (path, *path.parents[:-1]) for pattern in patterns)


def has_tags(file: Path) -> bool:
    """Whether what stands in the service may differ from what stands in the file."""
    return not is_copied(file) and TAGS.search(_text(file)) is not None


def made_by(path: str) -> str | None:
    """The command that makes this file of a service; nobody edits such a file."""
    return next((command for beginning, command in MADE.items() if path.startswith(beginning)), None)


def shown(file: Path) -> str:
    """A file of the template, as it is called from its root."""
    return file.relative_to(options.ROOT).as_posix()


def _files(folder: Path) -> Iterator[Path]:
    apart = {"options", "chassis"} if folder == options.TEMPLATE else {"fragments"}
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).parts[0] not in apart and "__pycache__" not in path.parts:
            yield path


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
