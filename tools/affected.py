"""Which tests of a service to run after an edit: those nearest to it, so that an answer comes within seconds."""

import ast
from collections.abc import Iterator
from pathlib import Path

FALLBACK = "tests/unit"
MANIFESTS = "tests/unit/test_manifests.py"
MOST = 6
SLOW = {"chaos", "integration"}


def tests(project: Path, edited: str) -> list[str]:
    """The test files, as paths within the project; they belong to the chassis if the edited file does."""
    root = project / "chassis" if edited.startswith("chassis/") else project
    path = Path(edited).relative_to("chassis") if edited.startswith("chassis/") else Path(edited)
    if path.name.startswith("test_"):
        found = [path]
    elif path.suffix == ".py":
        found = _importers(root, path)
    else:
        found = [each for each in _tests(root) if path.name in (root / each).read_text(encoding="utf-8")]
        if path.parts[0] in {"k8s", "environments"} and (root / MANIFESTS).exists():
            found = [Path(MANIFESTS)]
    prefix = Path("chassis") if root != project else Path()
    fallback = [Path(FALLBACK)] if root == project else []
    nearest = sorted(found, key=lambda test: (path.stem not in test.stem, "contract" in test.parts, test))
    return [(prefix / each).as_posix() for each in nearest[:MOST] or fallback]


def _importers(root: Path, edited: Path) -> list[Path]:
    """The tests that import a module; else those that import an importer of it, and so on outwards."""
    modules = {_module(path): path for path in _python(root)}
    imports = {path: _imports(root / path, name, set(modules)) for name, path in modules.items()}
    seen, nearest = {_module(edited)}, {_module(edited)}
    while nearest:
        importers = {path for path, names in imports.items() if names & nearest and _module(path) not in seen}
        if found := [path for path in importers if _is_test(path)]:
            return found
        nearest = {_module(path) for path in importers}
        seen |= nearest
    return []


def _python(root: Path) -> Iterator[Path]:
    for folder in ("src", "tests"):
        yield from (path.relative_to(root) for path in (root / folder).rglob("*.py"))


def _tests(root: Path) -> list[Path]:
    return [path for path in _python(root) if _is_test(path)]


def _is_test(path: Path) -> bool:
    """Whether pytest collects a file, and it takes no servers to run it."""
    return path.parts[0] == "tests" and path.name.startswith("test_") and not SLOW & set(path.parts)


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] == "src" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(file: Path, name: str, known: set[str]) -> set[str]:
    """The modules that a module imports, among the known ones."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return found & known
