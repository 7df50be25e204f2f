"""What Kubernetes would get from a generated service, held against the schemas of every version that is supported.

    for manifest in render(project / "environments" / "production"):
        assert schema_problems(manifest, "1.33") == []

What a schema cannot know, how objects hang together, a service's own tests/unit/test_manifests.py looks at.
"""

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests import operator_schemas

Manifest = dict[str, Any]

OLDEST = (1, 33)
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
STRICT = "-local-strict"


class KubectlError(Exception):
    """kubectl is missing, or it could not build the environment."""


def render(environment: Path) -> list[Manifest]:
    """The objects that `kubectl kustomize` makes of the folder of one environment.

    Needs kubectl on PATH, but neither a cluster nor a network. Raises KubectlError, with kubectl's own words, if it
    fails or warns.
    """
    if not shutil.which("kubectl"):
        raise KubectlError("kubectl is not on PATH: the manifests of an environment cannot be built without it")
    command = ["kubectl", "kustomize", str(environment)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    # Warnings are about fields that will stop working: a fresh service has none.
    if result.returncode != 0 or result.stderr.strip():
        raise KubectlError(f"{' '.join(command)}: {result.stderr.strip()}")
    return [manifest for manifest in yaml.safe_load_all(result.stdout) if manifest]


def versions() -> list[str]:
    """Every supported Kubernetes whose schemas are installed, such as "1.37"."""
    found = [re.fullmatch(rf"v(\d+)\.(\d+)\.0{STRICT}", path.name) for path in SCHEMAS.iterdir()]
    numbers = sorted((int(each[1]), int(each[2])) for each in found if each)
    return [f"{major}.{minor}" for major, minor in numbers if (major, minor) >= OLDEST]


def schema_problems(manifest: Manifest, kubernetes: str) -> list[str]:
    """How one object departs from the schema of its kind in that version of Kubernetes; unknown fields count."""
    validator = _validator(kubernetes, manifest["apiVersion"], manifest["kind"])
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    if not validator:
        return [f"{name}: Kubernetes {kubernetes} has no {manifest['kind']} in {manifest['apiVersion']}"]
    return [
        f"{name}: {error.json_path}: {error.message[:200]} (Kubernetes {kubernetes})"
        for error in validator.iter_errors(manifest)
    ]


@functools.cache
def _validator(kubernetes: str, api_version: str, kind: str) -> jsonschema.Draft7Validator | None:
    folder = SCHEMAS / f"v{kubernetes}.0{STRICT}"

    def retrieve(uri: str) -> Resource[Any]:
        text = (folder / uri.rsplit("/", 1)[-1]).read_text()
        return Resource.from_contents(json.loads(text), default_specification=DRAFT7)

    if own := operator_schemas.schema(api_version, kind):
        return jsonschema.Draft7Validator(own)
    group, _, version = api_version.rpartition("/")
    path = folder / f"{'-'.join(part for part in (kind.lower(), group.split('.')[0], version) if part)}.json"
    if not path.exists():
        return None
    return jsonschema.Draft7Validator(json.loads(path.read_text()), registry=Registry(retrieve=retrieve))  # type: ignore[call-arg]
