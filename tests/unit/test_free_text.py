"""Whatever people write into a free text arrives in every file format as they wrote it, and does nothing else."""

import ast
import json
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.baked import Bake
from tools import options, rendering

NASTY = [
    "\"quoted\" 'quoted' \"\"\" ''' \\",
    '\\" \\\\ \\n \\u0041 %s {0} {name}',
    "{{ cookiecutter.team }} {% raw %} {# no comment #} }} %}",
    "#{x} ${HOME} $HOME `id` $(id) %PATH% !x",
    "- a: [b, {c}] # d",
    "<b>&amp;</b> | a || b",
    "null",
    "12e3",
    "two\r\nlines\tand a tab",
    "\U0001f69a \u05e9\u05dc\u05d5\u05dd \u200f \u6771\u4eac \u00e9e\u0301",
    "https://example.com/?a=b&c=d",
    "*/ --> ]]> */",
]
# Everything that the hook lets through; it is asked itself below whether that is so.
free_text = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.sampled_from("\"'\\{}%#$`\n\t ab"), min_size=1, max_size=40),
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=free_text)
def test_a_quoted_text_means_the_same_in_toml_yaml_json_and_python(text: str) -> None:
    answers = rendering.answers(service_name=text, service_slug="ox", description=text, team=text)
    hook = rendering.hook("pre_gen_project", answers, options.choices())
    assert answers == hook.ANSWERS
    if list(hook.problems()):
        return
    meant = " ".join(text.split())
    for name in ("title", "description", "team"):
        assert answers[f"__{name}"] == meant
        quoted = answers[f"__{name}_quoted"]
        assert tomllib.loads(f"a = {quoted}") == {"a": meant}
        assert yaml.safe_load(f"a: {quoted}\nb: [{quoted}]") == {"a": meant, "b": [meant]}
        assert json.loads(quoted) == meant
        assert ast.literal_eval(quoted) == meant


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_are_ordinary_answers(text: str) -> None:
    """Not refused: so the test above has shown something about each of them."""
    answers = rendering.answers(service_name=text, service_slug="ox", description=text, team=text)
    assert list(rendering.hook("pre_gen_project", answers, options.choices()).problems()) == []


def test_nasty_texts_leave_every_file_readable(bake: Bake) -> None:
    everything = " ".join(NASTY)
    halves = {"service_name": everything[:80], "team": everything[-80:], "description": everything[:300]}
    project = bake(service_slug="ox", **halves)
    for path in sorted(project.own_files):
        match Path(path).suffix:
            case ".py":
                ast.parse(project.read(path))
            case ".toml":
                tomllib.loads(project.read(path))
            case ".json":
                json.loads(project.read(path))
            case ".yaml" | ".yml":
                list(yaml.safe_load_all(project.read(path)))
    metadata = tomllib.loads(project.read("pyproject.toml"))["project"]
    assert metadata["description"] == " ".join(halves["description"].split())
    assert metadata["authors"] == [{"name": " ".join(halves["team"].split())}]
