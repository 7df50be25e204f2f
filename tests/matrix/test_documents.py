"""What the documents of a service tell people to type exists: targets, commands, scripts, modules, files."""

import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.project import Project

FENCE = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
TARGET = re.compile(r"^([a-z][a-z -]*):(?!=)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def code_of(project: Project) -> Iterator[tuple[str, str]]:
    """Each piece of code in the documents, with the document it is in; the chassis' own are tested with it."""
    for path in documents(project):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(project.path).as_posix()
        yield from ((name, block) for block in FENCE.findall(text))
        yield from ((name, span) for span in SPAN.findall(FENCE.sub("", text)))


def documents(project: Project) -> Iterator[Path]:
    """README and everything in docs/."""
    return (path for path in project.files if path.suffix == ".md" and "chassis" not in path.parts)


def found(project: Project, pattern: str) -> dict[Any, str]:
    """What matches in code, each with a document that says it."""
    return {match: name for name, code in code_of(project) for match in re.findall(pattern, code, re.MULTILINE)}


def command(project: Project, rest: str) -> str:
    """A command of the service, but not the name of a container after that of another."""
    slug = re.escape(project.slug)
    return rf"(?:^|\s){slug} (?!{slug})([a-z][a-z-]+){rest}"


def commands_in(text: str) -> set[str]:
    """What a command's own description lists."""
    return set(re.findall(r"^  ([a-z][a-z-]*)(?:  |$)", text.partition("Commands:")[2], re.MULTILINE))


def test_every_target_exists(generated: Project) -> None:
    makefiles = [generated.path / "Makefile", generated.path / "delivery.mk"]
    lines = [TARGET.findall(file.read_text(encoding="utf-8")) for file in makefiles]
    targets = {target for each in lines for names in each for target in names.split()}
    named = found(generated, r"(?:^|[\s`;(])make ([a-z][a-z-]*)")
    assert "test" in named
    assert {target: name for target, name in named.items() if target not in targets} == {}


def test_every_command_exists(generated: Project) -> None:
    commands = commands_in(generated.run(generated.slug, "--help"))
    named = found(generated, command(generated, r"(?![\w/-])"))
    assert {"serve", "migrate"} <= commands & set(named)
    assert {command: name for command, name in named.items() if command not in commands} == {}


def test_every_subcommand_and_option_exists(generated: Project) -> None:
    described = cache(partial(generated.run, generated.slug))
    for (first, rest), name in found(generated, command(generated, r"((?: +[a-z-]\S*)*)")).items():
        text = described(first, "--help")
        for word in rest.split():
            if commands_in(text) and re.fullmatch("[a-z]+", word):
                assert word in commands_in(text), f"{name}: {first} {rest}"
                text += described(first, word, "--help")
            elif option := re.match(r"--[a-z-]+", word):
                assert option[0] in text, f"{name}: {first} {rest}"


def test_every_script_module_and_linked_file_exists(generated: Project) -> None:
    for script, name in found(generated, r"(?:^|\s)(scripts/[\w.-]+)").items():
        assert (generated.path / script).is_file(), f"{name}: {script}"
    for module, name in found(generated, r"python -m ((?:chassis|tests)[\w.]*)").items():
        generated.run("python", "-c", f"import {module}")
        assert module, name
    for path in documents(generated):
        for link in LINK.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
