"""Nothing in the manifests of a service is unsafe by what checkov knows, but for what is explained beside the object.

It takes some seconds for each environment, so it looks at few: those in which every kind of object is.
"""

from pathlib import Path

import pytest
import yaml

from tests import manifests
from tests.baked import Bake
from tools import checkov

pytestmark = [pytest.mark.needs("checkov"), pytest.mark.needs("kubectl")]


@pytest.mark.parametrize(
    ("environment", "choices"),
    {
        "dev": {"database": "postgresql", "broker": "rabbitmq", "secrets": "kubernetes"},
        "staging": {"database": "mysql", "broker": "kafka", "secrets": "sealed-secrets"},
        "production": {"database": "sqlite", "broker": "nats", "secrets": "external-secrets"},
    }.items(),
)
def test_nothing_is_unsafe(bake: Bake, tmp_path: Path, environment: str, choices: dict[str, str]) -> None:
    service = bake(**choices)
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests.render(service.path / "environments" / environment)))
    assert checkov.findings(file, "kubernetes") == []


def test_what_is_unsafe_is_found(bake: Bake, tmp_path: Path) -> None:
    rendered = manifests.render(bake(database="sqlite", broker="none").path / "environments" / "dev")
    (deployment,) = (each for each in rendered if each["kind"] == "Deployment")
    del deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(rendered))
    assert any(" CKV_K8S_22 " in found for found in checkov.findings(file, "kubernetes"))
