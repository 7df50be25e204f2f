"""What was generated is whole: rendered, filled, and readable by the parsers it is meant for."""

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import yaml

from tests.project import Project

# `${{ }}` of CI files and `{{ $labels }}` of alerts are no leftovers; nor is what Grafana and alerts put in themselves.
OTHER_TEMPLATES = (
    "observability/*",
    "k8s/components/monitoring/*",
    "*/observability/*",
    "tests/delivery/alerts/*",
    "scripts/deploy.sh",  # a template of Go's
)
LEFTOVER = re.compile(r"cookiecutter\.|\{%-?\s|\s-?%\}|\{#-?\s|(?<!\$)\{\{-?\s*[a-z_]+\s*(\||-?\}\})")
MAY_BE_EMPTY = {"__init__.py", "py.typed", ".gitkeep"}


def test_nothing_of_the_template_is_left(generated: Project) -> None:
    left = {
        f"{file.relative_to(generated.path)}:{number}: {line}"
        for file in _texts(generated)
        if not any(fnmatch(file.relative_to(generated.path).as_posix(), pattern) for pattern in OTHER_TEMPLATES)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if LEFTOVER.search(line)
    }
    assert not left


def test_no_folder_name_of_the_template_is_left(generated: Project) -> None:
    strange = [
        file for file in generated.files if re.search(r"[{}%]|cookiecutter", str(file.relative_to(generated.path)))
    ]
    assert not strange
    assert not (generated.path / "options").exists()


def test_no_file_is_empty(generated: Project) -> None:
    empty = [file for file in generated.files if not file.read_bytes().strip() and file.name not in MAY_BE_EMPTY]
    assert not empty


def test_lines_end_cleanly(generated: Project) -> None:
    untidy = [file for file in _texts(generated) if file.stat().st_size and _untidy(file.read_bytes())]
    assert not untidy


def test_data_files_parse(generated: Project) -> None:
    parsed = [_parse(file.suffix, file.read_text(encoding="utf-8")) for file in _texts(generated)]
    assert any(parsed)


def _texts(generated: Project) -> list[Path]:
    """Every file but the packed ones of Swagger UI."""
    return [file for file in generated.files if file.suffix != ".gz"]


def _untidy(content: bytes) -> bool:
    """No final line end, more than one, a carriage return, or blanks at the end of a line."""
    return bool(not content.endswith(b"\n") or content.endswith(b"\n\n") or re.search(rb"\r|[ \t]\n", content))


def _parse(suffix: str, text: str) -> object:
    match suffix:
        case ".json":
            return json.loads(text)
        case ".toml":
            return tomllib.loads(text)
        case ".yaml" | ".yml":
            return list(yaml.safe_load_all(text))
        case _:
            return None
