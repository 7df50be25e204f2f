"""The pages keep up with the code: public names exist, examples work, each package and adapter has a page."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import chassis

ROOT = Path(__file__).parents[1]
SOURCE = Path(chassis.__file__).parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
# A list item `chassis.module`: `Name`, `name` under "Public names"; it may span several lines.
ITEM = re.compile(r"^- `(chassis[\w.]*)`: ((?:`\w+`(?:,\s+)?)+)$", re.MULTILINE)


def text_of(page: str) -> str:
    """The content of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def public_names(page: str) -> dict[str, list[str]]:
    """The names that a page lists, by module."""
    listed = text_of(page).partition("## Public names\n")[2].partition("\n## ")[0]
    return {module: re.findall(r"`(\w+)`", names) for module, names in ITEM.findall(listed)}


@pytest.mark.parametrize("page", NAMES)
def test_public_names_exist(page: str) -> None:
    listed = public_names(page)
    assert listed
    missing = [f"{module}.{name}" for module in listed for name in listed[module] if not has(module, name)]
    assert missing == []


def has(module: str, name: str) -> bool:
    """Whether a module has this name."""
    return hasattr(import_module(module), name)


@pytest.mark.parametrize("page", NAMES)
def test_a_listed_package_lists_all_that_it_exports(page: str) -> None:
    for name, names in public_names(page).items():
        exported = set(getattr(import_module(name), "__all__", names))
        assert exported - set(names) == set(), name


@pytest.mark.parametrize("page", NAMES)
def test_examples_run(page: str) -> None:
    module = ModuleType("example")
    for code in re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL):
        exec(compile(code, page, "exec"), module.__dict__)  # noqa: S102 - our own examples


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_to_pages(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text_of(page))
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_each_package_has_a_page() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert packages <= {page.stem for page in PAGES}


def test_each_module_beside_the_packages_is_listed() -> None:
    listed = {module for page in NAMES for module in public_names(page)}
    modules = {f"chassis.{path.stem}" for path in SOURCE.glob("*.py") if path.stem != "__init__"}
    assert modules - listed == set()


def test_each_adapter_has_a_page() -> None:
    adapters = [
        path.parent.relative_to(SOURCE)
        for pattern in ("database/*/__init__.py", "messaging/brokers/*/__init__.py", "telemetry/*/__init__.py")
        for path in SOURCE.glob(pattern)
        if path.parent.name != "memory"
    ]
    assert [str(each) for each in adapters if not (ROOT / "docs" / each).with_suffix(".md").exists()] == []


def test_each_page_says_when_not_to_use_it() -> None:
    missing = [page for page in NAMES if page != "README.md" and "## When not to use it" not in text_of(page)]
    assert missing == []
