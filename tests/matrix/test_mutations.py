"""A service's own tests find what is broken in its manifests: each mistake here is one that a cluster would accept.

A mistake is a file, a text in it, what stands there instead, and the test that has to fail.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.baked import Bake
from tests.project import Project

API, WORKER, CONFIG = "k8s/deployment.yaml", "k8s/worker.yaml", "k8s/configmap.yaml"
PRODUCTION = "environments/production/kustomization.yaml"
GATEWAY = "k8s/components/gateway"


class Mistake(NamedTuple):
    """The first place where `text` stands gets `instead`."""

    file: str
    text: str
    instead: str
    found_by: str


# Makes one mistake after the other and runs the tests each time, in one process: starting it is what takes long.
RUN = """
import json, os, pathlib, sys, pytest
# Without kubectl, which takes longer than all the rest: what the tests put together instead is the same.
os.environ["PATH"] = ""

class Failures:
    def __init__(self):
        self.names = []
    def pytest_runtest_logreport(self, report):
        self.names += [report.nodeid] if report.failed else []

def run(*chosen):
    # They remember what they have read.
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    failures = Failures()
    files = [str(file) for name in ("manifests", "worker")
             for file in pathlib.Path("tests/delivery").glob(f"*_{name}.py")]
    pytest.main(["-q", "--no-header", "--no-summary", "--tb=no", *chosen, *files], plugins=[failures])
    print("\\nfailed:" + json.dumps(failures.names))

run()
for name, text, instead, found_by in json.loads(sys.argv[1]):
    file = pathlib.Path(name)
    before = file.read_text()
    assert text in before, f"{name} has changed: {text!r} is not there"
    file.write_text(before.replace(text, instead, 1))
    run("-k", found_by)
    file.write_text(before)
"""
SERVICES = {
    "server": {"database": "postgresql", "broker": "rabbitmq", "secrets": "kubernetes"},
    "file": {"database": "sqlite", "broker": "redis", "secrets": "kubernetes"},
    "sealed": {"database": "mysql", "broker": "kafka", "secrets": "sealed-secrets"},
    "external": {"database": "postgresql", "broker": "nats", "secrets": "external-secrets"},
}
MISTAKES = {
    "server": [
        # What is asked, and where.
        Mistake(API, "path: /health/ready", "path: /ready", "existing_paths"),
        Mistake(WORKER, "path: /health/startup", "path: /startup", "existing_paths"),
        Mistake(API, "port: http\n            periodSeconds: 5", "port: web", "probes_use_open_ports"),
        Mistake(WORKER, "livenessProbe:", "lifecycle:", "probes_use_open_ports"),
        Mistake(
            CONFIG, 'READINESS_TIMEOUT_SECONDS: "2"', 'READINESS_TIMEOUT_SECONDS: "5"', "probes_outlast_the_checks"
        ),
        Mistake("k8s/components/monitoring/podmonitor.yaml", "path: /metrics", "path: /stats", "existing_paths"),
        Mistake(
            "k8s/components/monitoring/servicemonitor.yaml", "port: http", "port: web", "monitors_scrape_existing_ports"
        ),
        Mistake(f"{GATEWAY}/httproute.yaml", "value: /v1", "value: /v2", "routes_from_outside_lead"),
        Mistake(f"{GATEWAY}/httproute.yaml", "request: 15s", "request: 5s", "a_gateway_waits_longer"),
        # Ports.
        Mistake(API, "containerPort: 8000", "containerPort: 8080", "ports_match_the_settings"),
        Mistake(CONFIG, 'WORKER_PORT: "8001"', 'WORKER_PORT: "8000"', "ports_match_the_settings"),
        Mistake("k8s/service.yaml", "targetPort: http", "targetPort: web", "selectors_match_one_workload"),
        Mistake(f"{GATEWAY}/httproute.yaml", "port: 80", "port: 8000", "routes_lead_to_a_service"),
        Mistake("k8s/components/ingress/ingress.yaml", "name: http", "name: web", "routes_lead_to_a_service"),
        # Settings.
        Mistake(CONFIG, "LOG_LEVEL: info", "LOGLEVEL: info", "every_variable_is_a_setting"),
        Mistake(CONFIG, 'HTTP_TIMEOUT_SECONDS: "10"', 'HTTP_TIMEOUT_SECONDS: "-1"', "every_command_is_given"),
        Mistake(PRODUCTION, "LOG_LEVEL=info", "LOG_LEVEL=debug", "every_command_is_given"),
        Mistake(PRODUCTION, "ENVIRONMENT=production", "ENVIRONMENT=staging", "every_command_is_given"),
        Mistake(API, "- name: BROKER_URL", "- name: BROKER_EXCHANGE", "every_command_is_given"),
        Mistake(WORKER, "            - worker\n", "            - work\n", "every_command_is_given"),
        Mistake(WORKER, "key: BROKER_URL", "key: BROKER", "references_exist"),
        Mistake(WORKER, "-config", "-settings", "references_exist"),
        Mistake("k8s/migrate.yaml", "name: DATABASE_URL\n", "name: DATABASE_URI\n", "every_command_is_given"),
        Mistake("k8s/migrate.yaml", "key: DATABASE_URL", "key: BROKER_URL", "secrets_are_given_key_by_key"),
        # Selectors and names.
        Mistake("k8s/service.yaml", "component: api\n  ports", "component: web\n  ports", "selectors_match_one"),
        Mistake(API, "component: api\n  template", "component: web\n  template", "workloads_select_their_own"),
        Mistake(WORKER, "component: worker\n          #", "component: api\n          #", "workloads_select_their_own"),
        Mistake("k8s/worker-pdb.yaml", "      app.kubernetes.io/component: worker\n", "", "selectors_match_one"),
        Mistake("k8s/hpa.yaml", "kind: Deployment\n    name: ", "kind: Deployment\n    name: the-", "scalers_own"),
        Mistake("k8s/pdb.yaml", "metadata:\n  name: ", f"metadata:\n  name: {'a' * 60}", "names_and_labels"),
        # The network.
        Mistake("k8s/networkpolicy.yaml", "port: 5432", "port: 5433", "addresses_in_settings_can"),
        Mistake("k8s/networkpolicy.yaml", "port: 53\n", "port: 5353\n", "addresses_in_settings_can"),
        Mistake("k8s/networkpolicy.yaml", "    - Egress\n", "", "everything_is_denied_by_default"),
        Mistake("k8s/networkpolicy-broker.yaml", "          - worker\n", "", "addresses_in_settings_can"),
        Mistake("k8s/networkpolicy-broker.yaml", "- worker", "- migrate\n          - worker", "addresses_in_settings"),
        Mistake(f"{GATEWAY}/networkpolicy.yaml", "port: http", "port: https", "policies_admit_to_open_ports"),
        Mistake(f"{GATEWAY}/kustomization.yaml", "  - networkpolicy.yaml\n", "", "routes_and_monitors_are_admitted"),
        # How pods end, how many there are, what they may do.
        Mistake(API, "PeriodSeconds: 35", "PeriodSeconds: 30", "grace_periods_cover_the_shutdown"),
        Mistake(CONFIG, 'GRACE_SECONDS: "25"', 'GRACE_SECONDS: "40"', "grace_periods_cover_the_shutdown"),
        Mistake(API, "  strategy:", "  replicas: 2\n  strategy:", "scalers_own"),
        Mistake(WORKER, "maxUnavailable: 0", "maxUnavailable: 1", "rollouts_keep_serving"),
        Mistake(PRODUCTION, 'newTag: "0.1.0"', "newTag: latest", "images_have_a_version"),
        Mistake(PRODUCTION, "memory: 384Mi", "memory: 64Mi", "resources_are_bounded"),
        Mistake(WORKER, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "containers_are_unprivileged"),
        Mistake("k8s/migrate.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "pods_have_no_token_and_no_root"),
        Mistake("k8s/namespace.yaml", "enforce: restricted", "enforce: baseline", "in_one_restricted_namespace"),
        Mistake(API, "- name: tmp\n          emptyDir", "- name: temp\n          emptyDir", "volumes_exist"),
        Mistake("k8s/components/worker-scaling/scaledobject.yaml", "-worker\n  polling", "\n  polling", "scalers_own"),
    ],
    "file": [
        Mistake(API, "type: Recreate", "type: RollingUpdate", "rollouts_keep_serving"),
        Mistake(API, "replicas: 1", "replicas: 2", "rollouts_keep_serving"),
        Mistake(API, "PeriodSeconds: 60", "PeriodSeconds: 55", "grace_periods_cover_the_shutdown"),
        Mistake(API, "            - --worker\n", "", "every_command_is_given"),
        Mistake("k8s/persistentvolumeclaim.yaml", "-data", "-file", "volumes_exist"),
        Mistake("k8s/networkpolicy-broker.yaml", "port: 6379", "port: 6380", "addresses_in_settings_can"),
    ],
    "sealed": [
        Mistake(
            "environments/staging/sealed-secret.yaml", "encryptedData: {}", "encryptedData: {A: b}", "references_exist"
        ),
        Mistake("environments/dev/sealed-secret.yaml", "      namespace: ", "      namespace: a-", "own_environment"),
        Mistake("environments/dev/kustomization.yaml", "  - sealed-secret.yaml\n", "", "references_exist"),
    ],
    "external": [
        Mistake(PRODUCTION, "name: production", "name: staging", "own_environment"),
        Mistake("k8s/external-secret.yaml", "secretKey: BROKER_URL", "secretKey: BROKER", "references_exist"),
        Mistake("k8s/external-secret.yaml", "-secrets\n    creation", "-secret\n    creation", "references_exist"),
        Mistake("k8s/networkpolicy-broker.yaml", "port: 4222", "port: 8222", "addresses_in_settings_can"),
    ],
}


def _group(kind: str) -> list[pytest.MarkDecorator]:
    """All mistakes in one service in one process: each changes its files."""
    return [pytest.mark.xdist_group(f"mistakes-{kind}"), pytest.mark.needs("Python 3.13")]


@pytest.fixture(scope="session")
def failures(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[list[str]]]:
    """For a kind of service: the tests that fail without a mistake; then, for each mistake, those that look for it."""

    @cache
    def of(kind: str) -> list[list[str]]:
        service = Project(bake(**SERVICES[kind]), tmp_path_factory.mktemp(kind))
        said = service.run("python", "-c", RUN, json.dumps(MISTAKES[kind]))
        return [json.loads(line.removeprefix("failed:")) for line in said.splitlines() if line.startswith("failed:")]

    return of


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=_group(kind)) for kind in SERVICES])
def test_without_a_mistake_nothing_fails(failures: Callable[[str], list[list[str]]], kind: str) -> None:
    assert failures(kind)[0] == []


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        pytest.param(kind, number, marks=_group(kind), id=f"{kind}-{Path(mistake.file).stem}-{number}")
        for kind, mistakes in MISTAKES.items()
        for number, mistake in enumerate(mistakes)
    ],
)
def test_a_mistake_is_found(failures: Callable[[str], list[list[str]]], kind: str, number: int) -> None:
    failed = failures(kind)[number + 1]
    assert any(MISTAKES[kind][number].found_by in test for test in failed), failed
