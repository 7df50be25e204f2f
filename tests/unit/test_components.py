"""Every environment can be built without each of its components, with each other one, and with ingress for gateway."""

from pathlib import Path

import pytest
import yaml

from tests import manifests
from tests.baked import Bake, Baked

ENVIRONMENTS = ["dev", "staging", "production"]


def rendered(service: Baked, environment: str, components: set[str]) -> list[manifests.Manifest]:
    """What kubectl makes of an environment with these components."""
    file = service.path / "environments" / environment / "kustomization.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["components"] = [f"../../k8s/components/{name}" for name in sorted(components)]
    changed = file.parent.with_name("changed")
    changed.mkdir(exist_ok=True)
    for each in file.parent.iterdir():
        (changed / each.name).write_bytes(each.read_bytes())
    (changed / file.name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return manifests.render(changed)


def used(service: Baked, environment: str) -> set[str]:
    """The components of an environment."""
    content = yaml.safe_load(service.read(f"environments/{environment}/kustomization.yaml"))
    return {Path(component).name for component in content["components"]}


@pytest.fixture
def service(bake: Bake, tmp_path: Path) -> Baked:
    """The default service, to be changed."""
    return bake().copy(tmp_path)


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_component_can_be_left_out_or_added(service: Baked, environment: str) -> None:
    present = used(service, environment)
    for component in sorted(path.name for path in (service.path / "k8s" / "components").iterdir()):
        kinds = {each["kind"] for each in rendered(service, environment, present ^ {component})}
        assert ("HTTPRoute" in kinds) == ("gateway" in present ^ {component})


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_ingress_has_the_host_of_the_environment(service: Baked, environment: str) -> None:
    exchanged = rendered(service, environment, used(service, environment) - {"gateway"} | {"ingress"})
    [ingress] = [each for each in exchanged if each["kind"] == "Ingress"]
    host = "order-service.example.com" if environment == "production" else f"order-service.{environment}.example.com"
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [host]
    assert [each["hosts"] for each in ingress["spec"]["tls"]] == [[host]]
    assert not [each for each in exchanged if each["kind"] == "HTTPRoute"]


@pytest.mark.parametrize("secrets", ["sealed-secrets", "external-secrets"])
@pytest.mark.parametrize("workload", ["deployment", "worker", "migrate"])
def test_a_rotated_password_reaches_every_process_as_a_file(bake: Bake, secrets: str, workload: str) -> None:
    spec = yaml.safe_load(bake(secrets=secrets).read(f"k8s/{workload}.yaml"))["spec"]["template"]["spec"]
    [container] = spec["containers"]
    files = {each["name"]: each.get("value") for each in container["env"] if each["name"].endswith("_FILE")}
    assert {*files} == {"DATABASE_PASSWORD_FILE"} | ({"BROKER_PASSWORD_FILE"} if workload != "migrate" else set())
    [mount] = [each for each in container["volumeMounts"] if each["name"] == "secrets"]
    [volume] = [each["secret"] for each in spec["volumes"] if each["name"] == "secrets"]
    assert {f"{mount['mountPath']}/{item['path']}" for item in volume["items"]} == {*files.values()}
    assert (mount["readOnly"], volume["defaultMode"], spec["securityContext"]["fsGroup"]) == (True, 0o440, 10001)


def test_names_resolve_also_where_each_node_has_a_cache(bake: Bake) -> None:
    policy = yaml.safe_load(bake().read("k8s/networkpolicy.yaml"))
    [rule] = [each for each in policy["spec"]["egress"] if {"protocol": "UDP", "port": 53} in each["ports"]]
    selected = [each["podSelector"]["matchLabels"]["k8s-app"] for each in rule["to"] if "podSelector" in each]
    assert selected == ["kube-dns", "node-local-dns"]
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in rule["to"]
