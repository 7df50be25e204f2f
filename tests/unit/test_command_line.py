"""The template as people call it: the real command, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.baked import user_environment
from tools import options

EXAMPLES = sorted((options.ROOT / "examples").glob("*.yaml"))


def cookiecutter(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`cookiecutter` in the root of the template, by someone who has no settings of their own."""
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", "--no-input", ".", *arguments],
        cwd=options.ROOT,
        env=user_environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("slug", ["Bad Slug!", "../outside", ".", "..", ""])
def test_a_bad_slug_ends_with_1_and_leaves_nothing(home: Path, output: Path, slug: str) -> None:
    done = cookiecutter(home, "-o", str(output), f"service_slug={slug}")
    assert done.returncode == 1
    assert list(output.parent.rglob("*")) == [output]


def test_a_slug_with_a_slash_leaves_at_most_an_empty_folder(home: Path, output: Path) -> None:
    """Cookiecutter makes `a/b` before it asks the hook, and then removes `b` only."""
    done = cookiecutter(home, "-o", str(output), "service_slug=a/b")
    assert done.returncode == 1
    assert "service_slug: 'a/b'" in done.stderr
    assert list(output.rglob("*")) == [output / "a"]


def test_a_refusal_says_what_to_do_before_anything_else(home: Path, output: Path) -> None:
    done = cookiecutter(home, "-o", str(output), "service_slug=Bad Slug!", "package_name=ox")
    assert done.stderr.splitlines()[0].startswith("service_slug: 'Bad Slug!' must be")
    assert done.stderr.splitlines()[0].endswith("for example: order-service")


def test_generating_over_a_service_gives_the_same_service(home: Path, output: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}

    assert cookiecutter(home, "-o", str(output)).returncode == 0
    once = contents()
    again = cookiecutter(home, "-o", str(output), "--overwrite-if-exists")
    assert (again.returncode, again.stderr) == (0, "")
    assert contents() == once


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_generates_the_service_that_it_describes(home: Path, output: Path, example: Path) -> None:
    done = cookiecutter(home, "--config-file", str(example.relative_to(options.ROOT)), "-o", str(output))
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in output.iterdir()] == [example.stem]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_how_to_use_it_and_holds_only_what_cookiecutter_will_not_ignore(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert f"cookiecutter --no-input --config-file examples/{example.name} . -o " in text
    config: dict[str, Any] = yaml.safe_load(text)
    assert set(config) == {"default_context"}
    assert set(config["default_context"]) <= set(options.model()["__prompts__"])
    for option, choices in options.choices().items():
        assert config["default_context"].get(option, choices[0]) in choices
