"""Rules about manifests find what a cluster accepts without running it as intended."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.http.settings import HttpSettings, ReadinessSettings, ShutdownSettings
from chassis.settings import Section
from chassis.testing.manifests import RULES, CannotBuild, Cluster, build, render_all
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
  strategy: {rollingUpdate: {maxUnavailable: 0}}
  template:
    metadata: {labels: {app.kubernetes.io/component: api}}
    spec:
      serviceAccountName: warehouse
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 40
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: api
          image: registry/warehouse:1.0.0
          args: [serve]
          envFrom: [{configMapRef: {name: settings}}]
          ports: [{name: http, containerPort: 8000}]
          startupProbe: &probe {httpGet: {path: /health/startup, port: http}, timeoutSeconds: 5}
          readinessProbe: *probe
          livenessProbe: *probe
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
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
        (lambda each: container(each).update(image="registry/warehouse:latest"), "has no version"),
        (lambda each: container(each).update(volumeMounts=[{"name": "data"}]), "data does not exist"),
        (lambda each: each["NetworkPolicy"]["spec"]["policyTypes"].remove("Egress"), "no policy covers its Egress"),
        (lambda each: each["ConfigMap"]["data"].update(PEER_URL="http://peer:81/"), "may not reach ('TCP', 81)"),
        (lambda each: each["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0].update(port=1), "no container opens 1"),
        (lambda each: container(each)["envFrom"][0]["configMapRef"].update(name="other"), "does not exist"),
    ],
)
def test_finds_what_does_not_fit(change: Callable[[dict[str, Manifest]], object], problem: str) -> None:
    changed = objects()
    change(changed)
    assert any(problem in each for each in problems(changed)), problems(changed)


def test_components_that_an_environment_does_not_use_are_added(tmp_path: Path) -> None:
    for folder, content in {
        "environments/production": {"namespace": "warehouse", "components": ["../../components/used"]},
        "components/used": {"kind": "Component", "resources": ["object.yaml"]},
        "components/unused": {"kind": "Component", "resources": ["object.yaml"]},
    }.items():
        place = tmp_path / folder
        place.mkdir(parents=True)
        api = "kustomize.config.k8s.io/v1alpha1" if "kind" in content else "kustomize.config.k8s.io/v1beta1"
        (place / "kustomization.yaml").write_text(yaml.safe_dump({"apiVersion": api, **content}))
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": place.name}, "data": {}}
        (place / "object.yaml").write_text(yaml.safe_dump(made))
    found = render_all(tmp_path / "environments" / "production", tmp_path / "components")
    assert {each["metadata"]["name"] for each in found} == {"used", "unused"}


def test_refuses_what_it_cannot_read_without_kubectl(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("replacements: []")
    with pytest.raises(CannotBuild, match="install kubectl"):
        build(tmp_path)
