"""Rules about manifests find what a cluster accepts without running it as intended."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.http.settings import HttpSettings, ReadinessSettings, ShutdownSettings
from chassis.settings import Section
from chassis.testing.manifests import RULES, CannotBuild, Cluster, build, render_all, render_with
from chassis.testing.manifests.kustomize import Manifest

SECTIONS: list[type[Section]] = [HttpSettings, ReadinessSettings, ShutdownSettings]
ENVIRONMENT = """\
apiVersion: v1
kind: Namespace
metadata:
  name: warehouse
  labels: {app.kubernetes.io/name: warehouse, pod-security.kubernetes.io/enforce: restricted}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: warehouse, labels: {app.kubernetes.io/name: warehouse}}
data: {HTTP_PORT: "8000", READINESS_TIMEOUT_SECONDS: "2", SHUTDOWN_DRAIN_SECONDS: "3", SHUTDOWN_GRACE_SECONDS: "25"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: warehouse, namespace: warehouse, labels: {app.kubernetes.io/name: warehouse}}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: warehouse, labels: {app.kubernetes.io/name: warehouse}}
spec:
  selector: {app.kubernetes.io/component: api}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: warehouse, labels: {app.kubernetes.io/name: warehouse}}
spec:
  selector: {matchLabels: {app.kubernetes.io/component: api}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0}}
  template:
    metadata: {labels: {app.kubernetes.io/component: api}}
    spec:
      serviceAccountName: warehouse
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 40
      securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: api
          image: registry/warehouse:1.0.0
          args: [serve]
          envFrom: [{configMapRef: {name: settings}}]
          ports: [{name: http, containerPort: 8000}]
          env: [{name: STORE_PASSWORD_FILE, value: /secrets/PASSWORD}]
          startupProbe: &probe {httpGet: {path: /health, port: http}, initialDelaySeconds: 1, timeoutSeconds: 5}
          readinessProbe: *probe
          livenessProbe: *probe
          resources:
            requests: {cpu: 100m, memory: 64Mi, ephemeral-storage: 16Mi}
            limits: {memory: 128Mi, ephemeral-storage: 32Mi}
          volumeMounts: [{name: secrets, mountPath: /secrets, readOnly: true}]
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
      volumes: [{name: secrets, secret: {secretName: store, defaultMode: 0440, items: [{key: P, path: PASSWORD}]}}]
---
apiVersion: v1
kind: Secret
metadata: {name: store, namespace: warehouse, labels: {app.kubernetes.io/name: warehouse}}
data: {P: OWYyYw==}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: warehouse, labels: {app.kubernetes.io/name: warehouse}}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/component: api}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{namespaceSelector: {}}], ports: [{protocol: TCP, port: http}]}]
"""


def objects() -> dict[str, Manifest]:
    """The objects of a sound environment, by kind."""
    return {each["kind"]: deepcopy(each) for each in yaml.safe_load_all(ENVIRONMENT)}


def problems(manifests: dict[str, Manifest]) -> list[str]:
    """What all rules find."""
    cluster = Cluster(list(manifests.values()), SECTIONS)
    return [problem for rule in RULES for problem in rule(cluster)]


def pod(manifests: dict[str, Manifest]) -> Any:
    """The specification of the pods."""
    return manifests["Deployment"]["spec"]["template"]["spec"]


def container(manifests: dict[str, Manifest]) -> Any:
    """The only container."""
    return pod(manifests)["containers"][0]


def mount(manifests: dict[str, Manifest]) -> Any:
    """Where the container finds its Secret."""
    return container(manifests)["volumeMounts"][0]


def secret(manifests: dict[str, Manifest]) -> Any:
    """The volume of the Secret."""
    return pod(manifests)["volumes"][0]["secret"]


def test_a_sound_environment_has_no_problems() -> None:
    assert problems(objects()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda each: each["Service"]["metadata"].update(name="Not_a_name"), "not a DNS label"),
        (lambda each: each["Service"]["metadata"].update(namespace="other"), "objects are in"),
        (lambda each: each["Service"]["spec"].update(selector={"a": "b"}), "instead of one workload"),
        (lambda each: each["Deployment"]["spec"]["selector"].update(matchLabels={"a": "b"}), "its own pods"),
        (lambda each: each["Deployment"]["spec"].update(strategy={}), "maxUnavailable"),
        (lambda each: container(each).pop("livenessProbe"), "has only the probes"),
        (lambda each: container(each)["startupProbe"].update(timeoutSeconds=1), "shorter timeout"),
        (lambda each: container(each)["ports"][0].update(containerPort=80), "listens on"),
        (lambda each: pod(each).update(terminationGracePeriodSeconds=20), "may take 28 s to stop"),
        (lambda each: pod(each).update(automountServiceAccountToken=True), "has a token"),
        (lambda each: container(each)["securityContext"].update(privileged=True), "securityContext"),
        (lambda each: container(each)["resources"].pop("limits"), "no limit for memory"),
        (lambda each: container(each)["resources"]["requests"].pop("ephemeral-storage"), "no request for ephemeral"),
        (lambda each: container(each)["resources"]["limits"].pop("ephemeral-storage"), "no limit for ephemeral"),
        (lambda each: container(each)["startupProbe"].pop("initialDelaySeconds"), "no initialDelaySeconds"),
        (lambda each: each["Deployment"]["spec"]["strategy"].pop("type"), "every `kubectl apply` reports a change"),
        (lambda each: mount(each).update(subPath="PASSWORD"), "never updated"),
        (lambda each: mount(each).pop("readOnly"), "not read-only"),
        (lambda each: mount(each).update(mountPath="/other"), "STORE_PASSWORD_FILE names /secrets/PASSWORD"),
        (lambda each: secret(each).pop("defaultMode"), "every user"),
        (lambda each: secret(each).update(defaultMode=0o400), "cannot be read"),
        (lambda each: pod(each)["securityContext"].pop("fsGroup"), "cannot be read"),
        (lambda each: secret(each).pop("items"), "given all of Secret/store"),
        (lambda each: secret(each)["items"][0].update(key="other"), "with the key other does not exist"),
        (lambda each: container(each).update(args=["migrate"]), "needs the database alone"),
        (lambda each: container(each).update(image="registry/warehouse:latest"), "has no version"),
        (
            lambda each: container(each).update(volumeMounts=[{"name": "data", "mountPath": "/data"}]),
            "data does not exist",
        ),
        (lambda each: each["NetworkPolicy"]["spec"]["policyTypes"].remove("Egress"), "no policy covers its Egress"),
        (lambda each: each["ConfigMap"]["data"].update(PEER_URL="http://peer:81/"), "may not reach ('TCP', 81)"),
        (lambda each: each["ConfigMap"]["data"].update(PEER="https://peer/path"), "may not reach ('TCP', 443)"),
        (lambda each: each["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0].update(port=1), "no container opens 1"),
        (lambda each: container(each)["envFrom"][0]["configMapRef"].update(name="other"), "does not exist"),
    ],
)
def test_finds_what_does_not_fit(change: Callable[[dict[str, Manifest]], object], problem: str) -> None:
    changed = objects()
    change(changed)
    assert any(problem in each for each in problems(changed)), problems(changed)


DNS_OF_OPENSHIFT = [{"protocol": protocol, "port": 5353} for protocol in ("UDP", "TCP")]


def test_dns_may_listen_where_openshift_has_it() -> None:
    changed = objects()
    changed["ConfigMap"]["data"].update(PEER_URL="http://peer:81/")
    rules = [{"ports": [*DNS_OF_OPENSHIFT, {"protocol": "TCP", "port": 81}]}]
    changed["NetworkPolicy"]["spec"].update(egress=rules)
    assert problems(changed) == []


def written(tmp_path: Path, patches: object) -> Path:
    """An environment with one component and these patches, beside a component that it does not use."""
    folders: dict[str, dict[str, object]] = {
        "environments/production": {
            "namespace": "warehouse",
            "components": ["../../components/used"],
            "patches": patches,
        },
        "components/used": {"kind": "Component", "resources": ["object.yaml"]},
        "components/unused": {"kind": "Component", "resources": ["object.yaml"]},
    }
    for folder, content in folders.items():
        place = tmp_path / folder
        place.mkdir(parents=True)
        api = "kustomize.config.k8s.io/v1alpha1" if "kind" in content else "kustomize.config.k8s.io/v1beta1"
        (place / "kustomization.yaml").write_text(yaml.safe_dump({"apiVersion": api, **content}))
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": place.name}, "data": {}}
        (place / "object.yaml").write_text(yaml.safe_dump(made))
    return tmp_path / "environments" / "production"


def test_components_that_an_environment_does_not_use_are_added(tmp_path: Path) -> None:
    found = render_all(written(tmp_path, []), tmp_path / "components")
    assert {each["metadata"]["name"] for each in found} == {"used", "unused"}


@pytest.mark.parametrize("names", [["used"], ["unused"], ["used", "unused"], []])
def test_components_of_an_environment_are_exchanged(tmp_path: Path, names: list[str]) -> None:
    found = render_with(written(tmp_path, []), [tmp_path / "components" / name for name in names])
    assert {each["metadata"]["name"] for each in found} == {*names}


def replacing(path: str) -> list[object]:
    """Patches for every ConfigMap and for every Ingress."""
    operation = {"op": "replace", "path": path, "value": "host"}
    return [{"target": {"kind": kind}, "patch": yaml.safe_dump([operation])} for kind in ("ConfigMap", "Ingress")]


def test_a_value_is_replaced_where_there_is_an_object_of_its_kind(tmp_path: Path) -> None:
    [found] = build(written(tmp_path, replacing("/metadata/name")))
    assert found["metadata"]["name"] == "host"


def test_replacing_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotBuild, match="nothing at /data/host"):
        build(written(tmp_path, replacing("/data/host")))


def test_refuses_what_it_cannot_read_without_kubectl(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("replacements: []")
    with pytest.raises(CannotBuild, match="install kubectl"):
        build(tmp_path)
