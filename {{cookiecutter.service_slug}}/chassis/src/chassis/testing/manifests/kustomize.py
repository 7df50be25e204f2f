"""The objects of an environment, as a cluster would get them.

kubectl makes them where it is installed. Elsewhere they are put together here, by the same rules as far as services
use them; anything else is refused instead of being left out, so that nothing goes unchecked.
"""

import base64
import copy
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

SUPPORTED = {
    "apiVersion",
    "commonAnnotations",
    "components",
    "configMapGenerator",
    "images",
    "kind",
    "labels",
    "namespace",
    "patches",
    "resources",
    "secretGenerator",
}
# Lists in these are merged by name; in other objects a list replaces the one before.
BUILT_IN = {"v1", "apps/v1", "batch/v1"}


class CannotBuild(Exception):
    """kubectl refused the folder, or it is not installed and would be needed."""


def render(folder: Path) -> list[Manifest]:
    """The objects of a folder with a kustomization.yaml. Raises CannotBuild."""
    if not shutil.which("kubectl"):
        return build(folder)
    command = ["kubectl", "kustomize", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    # Warnings announce fields that will stop working.
    if result.returncode or result.stderr.strip():
        raise CannotBuild(f"{folder}: {result.stderr.strip()}")
    return [manifest for manifest in yaml.safe_load_all(result.stdout) if manifest]


def render_all(environment: Path, components: Path) -> list[Manifest]:
    """The objects of an environment with every component, also those that it does not use.

    Args:
        environment: a folder with a kustomization.yaml.
        components: the folder in which all components lie.
    """
    return render_with(environment, sorted(components.iterdir()))


def render_with(
    environment: Path, components: Sequence[Path], how: Callable[[Path], list[Manifest]] = render
) -> list[Manifest]:
    """The objects of an environment with these components instead of those that it lists. Raises CannotBuild.

    Args:
        environment: a folder with a kustomization.yaml.
        components: the folders of the components.
        how: `render`, or `build`, which is many times faster than kubectl.
    """
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary).resolve() / environment.name
        shutil.copytree(environment, here)
        file = _read(here)
        names = file.get("resources") or []
        file["resources"] = [
            _from(here, environment / name) if (environment / name).is_dir() else name for name in names
        ]
        file["components"] = [_from(here, component) for component in components]
        (here / "kustomization.yaml").write_text(yaml.safe_dump(file), encoding="utf-8")
        return how(here)


def build(folder: Path, objects: Sequence[Manifest] = ()) -> list[Manifest]:
    """The same without kubectl: what lies in the folder, added to the objects that a component is given."""
    file = _read(folder)
    if unsupported := file.keys() - SUPPORTED:
        raise CannotBuild(f"{folder}: {', '.join(sorted(unsupported))} cannot be read here; install kubectl")
    objects = [*objects, *(each for name in file.get("resources") or [] for each in _resource(folder / name))]
    for name in file.get("components") or []:
        objects = build((folder / name).resolve(), objects)
    for kind in ("ConfigMap", "Secret"):
        for generator in file.get(f"{kind[:1].lower()}{kind[1:]}Generator", []):
            _generate(folder, kind, generator, objects)
    for patch in file.get("patches", []):
        _patch(folder, patch, objects)
    for each in objects:
        _transform(each, file)
    return objects


def containers(spec: Manifest) -> Iterator[Manifest]:
    """The containers of a pod, including those that run first."""
    yield from spec.get("initContainers", [])
    yield from spec.get("containers", [])


def _read(folder: Path) -> Manifest:
    return dict(yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8")))


def _from(folder: Path, path: Path) -> str:
    return os.path.relpath(path.resolve(), folder)


def _resource(path: Path) -> list[Manifest]:
    if path.is_dir():
        return build(path.resolve())
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def _generate(folder: Path, kind: str, generator: Manifest, objects: list[Manifest]) -> None:
    data = dict(literal.split("=", 1) for literal in generator.get("literals", []))
    for file in generator.get("files", []):
        key, _, name = file.rpartition("=")
        data[key or name] = (folder / name).read_text(encoding="utf-8")
    if kind == "Secret":
        data = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    options = generator.get("options", {})
    metadata = {"name": generator["name"], "labels": options.get("labels", {})}
    if generator.get("behavior") == "merge":
        found = next(each for each in objects if _key(each) == (kind, generator["name"]))
        found.setdefault("data", {}).update(data)
    else:
        type_of_secret = {"type": "Opaque"} if kind == "Secret" else {}
        objects.append({"apiVersion": "v1", "kind": kind, "metadata": metadata, **type_of_secret, "data": data})


def _patch(folder: Path, patch: Manifest, objects: Sequence[Manifest]) -> None:
    change = yaml.safe_load(patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text("utf-8"))
    target = patch.get("target", {})
    operations = change if isinstance(change, list) else []
    if target.keys() - {"kind"} or (operations and not target) or any(each["op"] != "replace" for each in operations):
        raise CannotBuild(f"{folder}: a patch with these operations or selectors cannot be read here; install kubectl")
    # With a target, there may be nothing to patch; a name has to exist.
    patched = [each for each in objects if (each["kind"] == target["kind"] if target else _key(each) == _key(change))]
    if not patched and not target:
        raise CannotBuild(f"{folder}: a patch is for {'/'.join(_key(change))}, which does not exist")
    for each in patched:
        for operation in operations:
            _replace(folder, each, operation["path"], operation["value"])
        if not operations:
            content = {key: value for key, value in change.items() if key != "metadata"}
            _merge(each, content, by_name=each["apiVersion"] in BUILT_IN)


def _replace(folder: Path, manifest: Manifest, path: str, value: object) -> None:
    """Replace the value at a JSON pointer (RFC 6901), as `replace` of RFC 6902 does: it has to exist."""
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])
    try:
        place: Any = manifest
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        key = int(last) if isinstance(place, list) else last
        place[key]  # raises if it does not exist
    except (LookupError, TypeError, ValueError):
        raise CannotBuild(f"{folder}: {'/'.join(_key(manifest))} has nothing at {path}") from None
    place[key] = value


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _merge(into: Manifest, change: Manifest, *, by_name: bool) -> None:
    """Lay a patch over an object; null removes a field."""
    for key, value in change.items():
        present = into.get(key)
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value, by_name=by_name)
        elif by_name and _have_names(value) and _have_names(present):
            _merge_by_name(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def _merge_by_name(into: list[Manifest], change: Sequence[Manifest]) -> None:
    for item in change:
        same = [each for each in into if each["name"] == item["name"]]
        if same:
            _merge(same[0], item, by_name=True)
        else:
            into.append(item)


def _have_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value)


def _transform(manifest: Manifest, file: Manifest) -> None:
    metadata = manifest["metadata"]
    template = manifest.get("spec", {}).get("template", {}) if manifest["apiVersion"] in BUILT_IN else {}
    both = [metadata, *([template["metadata"]] if template else [])]
    if namespace := file.get("namespace"):
        metadata["name" if manifest["kind"] == "Namespace" else "namespace"] = namespace
    for labels in file.get("labels", []):
        _add("labels", labels["pairs"], both if labels.get("includeTemplates") else [metadata])
    _add("annotations", file.get("commonAnnotations", {}), both)
    for container in containers(template.get("spec", {})):
        for image in (each for each in file.get("images", []) if each["name"] == container["image"]):
            container["image"] = image.get("newName", image["name"]) + _version(image)


def _add(field: str, pairs: dict[str, str], metadata: Sequence[Manifest]) -> None:
    for each in metadata if pairs else []:
        each[field] = each.get(field, {}) | pairs


def _version(image: Manifest) -> str:
    return f"@{image['digest']}" if "digest" in image else f":{image['newTag']}"
