"""What the documents of a service tell people to type exists: targets, commands, scripts, modules, files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.project import Project

FENCE = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
TARGET = re.compile(r"^([a-z][a-z -]*):(?!=)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
DESCRIBE = """
import json, sys
from importlib import import_module
def describe(command):
    inner = getattr(command, "commands", {})
    options = [*command.context_settings.get("help_option_names", []), "--help"]
    options += [option for each in command.params for option in (*each.opts, *each.secondary_opts)]
    return {"options": options, "commands": {name: describe(each) for name, each in inner.items()}}
print(json.dumps(describe(import_module(f"{sys.argv[1]}.__main__").main)))
"""


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


def found(project: Project, pattern: str) -> dict[str, str]:
    """What matches in code, each with a document that says it."""
    return {match: name for name, code in code_of(project) for match in re.findall(pattern, code, re.MULTILINE)}


def test_every_target_exists(generated: Project) -> None:
    makefiles = [generated.path / "Makefile", generated.path / "delivery.mk"]
    lines = [TARGET.findall(file.read_text(encoding="utf-8")) for file in makefiles]
    targets = {target for each in lines for names in each for target in names.split()}
    named = found(generated, r"(?:^|[\s`;(])make ([a-z][a-z-]*)")
    assert "test" in named
    assert {target: name for target, name in named.items() if target not in targets} == {}


def test_every_command_with_its_options_exists(generated: Project) -> None:
    group = json.loads(generated.run("python", "-c", DESCRIBE, generated.package))
    # Not the name of a container after that of another.
    slug = re.escape(generated.slug)
    named = found(generated, rf"(?:^|\s){slug} ((?!{slug})[a-z][a-z-]+(?![\w/])(?: +[a-z-]\S*)*)")
    assert {"serve", "migrate"} <= {words.split()[0] for words in named}
    for words, name in named.items():
        described = group
        for word in words.split():
            if described["commands"]:
                assert word in described["commands"], f"{name}: {generated.slug} {words}"
                described = described["commands"][word]
            elif option := re.match(r"--[a-z-]+", word):
                assert option[0] in described["options"], f"{name}: {generated.slug} {words}"


def test_every_script_module_and_linked_file_exists(generated: Project) -> None:
    for script, name in found(generated, r"(?:^|\s)(scripts/[\w.-]+)").items():
        assert (generated.path / script).is_file(), f"{name}: {script}"
    for module, name in found(generated, r"python -m ((?:chassis|tests)[\w.]*)").items():
        generated.run("python", "-c", f"import {module}")
        assert module, name
    for path in documents(generated):
        for link in LINK.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
