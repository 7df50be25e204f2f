"""The scripts that bring a service into a cluster and seal its secrets; kubectl and kubeseal only take notes."""

import json
import stat
from pathlib import Path

import pytest
import yaml

from tests.baked import Bake, Baked

# Answers like a cluster in which everything runs; test_releases_that_fail.py has the others.
KUBECTL = """#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES"
case "$*" in
    "config current-context") [ -z "$NO_CONTEXT" ] && echo shop ;;
    *"wait --for=create"*) exit "${SECRET_MISSING:-0}" ;;
    *"get secret"*) echo "DATABASE_URL DATABASE_PASSWORD BROKER_URL BROKER_PASSWORD " ;;
    *"get job "*uid*) echo u1 ;;
    *"get job "*) echo "${JOB:-SuccessCriteriaMet Complete}" ;;
    *"get hpa"*"==\\"order-service\\""*) echo 3 ;;
    *"get deployment"*.spec.replicas*) echo "${REPLICAS:-3}" ;;
    *"get deployment"*) echo "2|2|7|" ;;
    *"get replicasets,jobs"*) echo "order-service-config-used order-service-config-kept" ;;
    *"get replicasets"*) echo "7 new" ;;
    *"get configmaps"*) echo "dashboard order-service-config-used order-service-config-old order-service-config-kept" ;;
esac
"""
# Writes what it would encrypt, so that a test can read it.
KUBESEAL = """#!/usr/bin/env python3
import json, sys
secret = json.loads(sys.stdin.read())
meta = secret["metadata"]
print(json.dumps({"kind": "SealedSecret", "metadata": meta, "spec": {"encryptedData": secret["data"]}}))
"""
# As much of the real one as sealing asks for: a Secret from lines, and a label.
SEALING_KUBECTL = """#!/usr/bin/env python3
import json, sys
lines = sys.stdin.read()
if sys.argv[1] == "create":
    data = dict(line.split("=", 1) for line in lines.splitlines())
    print(json.dumps({"metadata": {"name": sys.argv[4], "namespace": sys.argv[6]}, "data": data}))
else:
    key, value = sys.argv[-1].split("=")
    labelled = json.loads(lines)
    labelled["metadata"]["labels"] = {key: value}
    print(json.dumps(labelled))
"""


def on_path(folder: Path, **commands: str) -> str:
    """A PATH on which these commands come first."""
    for name, text in commands.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(stat.S_IRWXU)
    return f"{folder}:/usr/bin:/bin"


def deployed(service: Baked, tmp_path: Path, expect: int = 0, **env: str) -> tuple[list[str], str]:
    """What kubectl was told to change or to wait for by a release of `staging`, and what the script complained of."""
    notes = tmp_path / "notes"
    env = {"PATH": on_path(tmp_path, kubectl=KUBECTL, sleep="#!/bin/sh"), "NOTES": str(notes), "NO_CONTEXT": ""} | env
    done = service.run("scripts/deploy.sh", "staging", expect=expect, **env)
    told = [line.removeprefix("--namespace order-service-staging ") for line in notes.read_text().splitlines()]
    return [line for line in told if not line.startswith(("config", "get", "logs"))], done.stderr


APPLY = "apply --kustomize environments/staging"
FIRST = [f"{APPLY} --selector !app.kubernetes.io/component"]
MIGRATION = [
    "delete job order-service-migrate --ignore-not-found",
    f"{APPLY} --selector app.kubernetes.io/component=migrate",
]


def test_a_release_changes_pods_only_after_the_migration(bake: Bake, tmp_path: Path) -> None:
    told, _ = deployed(bake(), tmp_path)
    assert told == [
        *FIRST,
        "wait --for=create --timeout=5s secret/order-service-secrets",
        *MIGRATION,
        f"{APPLY} --selector app.kubernetes.io/component=api",
        "rollout status --timeout=10m deployment/order-service",
        APPLY,
        "rollout status --timeout=10m deployment/order-service-worker",
        "delete configmap order-service-config-old",
    ]


def test_a_first_release_waits_for_as_many_pods_as_the_autoscaler_wants(bake: Bake, tmp_path: Path) -> None:
    told, _ = deployed(bake(broker="none"), tmp_path, REPLICAS="1")
    scaled = "scale --replicas=3 deployment/order-service"
    assert scaled in told
    assert told.index(scaled) < told.index("rollout status --timeout=10m deployment/order-service")


def test_a_service_that_was_scaled_to_zero_stays_there(bake: Bake, tmp_path: Path) -> None:
    told, _ = deployed(bake(broker="none"), tmp_path, REPLICAS="0")
    assert not any(line.startswith("scale") for line in told)


def test_without_a_context_nothing_is_touched(bake: Bake, tmp_path: Path) -> None:
    told, complaint = deployed(bake(), tmp_path, expect=1, NO_CONTEXT="1", KUBERNETES_SERVICE_HOST="")
    assert told == []
    assert complaint == "deploy.sh: kubectl has no cluster: choose one with kubectl config use-context NAME\n"
    deployed(bake(), tmp_path, NO_CONTEXT="1", KUBERNETES_SERVICE_HOST="10.0.0.1")  # from a pod


def test_a_failed_migration_stops_the_release(bake: Bake, tmp_path: Path) -> None:
    told, complaint = deployed(bake(), tmp_path, expect=1, JOB="FailureTarget Failed")
    assert told[-2:] == MIGRATION
    assert "the migration failed" in complaint


@pytest.mark.parametrize("secrets", ["kubernetes", "external-secrets"])
def test_without_its_secret_nothing_is_migrated(bake: Bake, tmp_path: Path, secrets: str) -> None:
    told, complaint = deployed(bake(secrets=secrets), tmp_path, expect=1, SECRET_MISSING="1")  # noqa: S106 - a flag
    assert [line.split()[0] for line in told] == ["apply", "wait"]
    assert "secret/order-service-secrets is missing" in complaint


def test_nothing_is_touched_before_the_secrets_are_sealed(bake: Bake, tmp_path: Path) -> None:
    told, complaint = deployed(bake(secrets="sealed-secrets"), tmp_path, expect=1)
    assert told == []
    assert "make seal ENV=staging" in complaint


def test_a_service_in_one_file_is_applied_and_waited_for(bake: Bake, tmp_path: Path) -> None:
    told, _ = deployed(bake(database="sqlite", broker="none"), tmp_path)
    assert told == [
        APPLY,
        "rollout status --timeout=10m deployment/order-service",
        "delete configmap order-service-config-old",
    ]


def test_an_unknown_environment_is_refused(bake: Bake, tmp_path: Path) -> None:
    done = bake().run("scripts/deploy.sh", "moon", expect=2, PATH=on_path(tmp_path, kubectl="#!/bin/sh\nexit 9\n"))
    assert "Usage" in done.stderr


def sealed(service: Baked, tmp_path: Path, values: str, expect: int = 0) -> str:
    """What the script said when it was given these values for production."""
    path = on_path(tmp_path, kubectl=SEALING_KUBECTL, kubeseal=KUBESEAL)
    (tmp_path / "values").write_text(values, encoding="utf-8")
    done = service.run("sh", "-c", f"scripts/seal.sh production < {tmp_path / 'values'}", expect=expect, PATH=path)
    return done.stdout + done.stderr


def test_what_is_sealed_replaces_the_file_of_its_environment(bake: Bake, tmp_path: Path) -> None:
    service = bake(secrets="sealed-secrets").copy(tmp_path)
    values = {"DATABASE_URL": "postgresql://a@h/n", "DATABASE_PASSWORD": "p=w", "BROKER_URL": "amqp://b"}
    values |= {"BROKER_PASSWORD": "9f2c"}
    sealed(service, tmp_path, "".join(f"{name}={value}\n" for name, value in values.items()))
    written = json.loads(service.read("environments/production/sealed-secret.yaml"))
    assert written["metadata"] == {
        "name": "order-service-secrets",
        "namespace": "order-service-production",
        "labels": {"app.kubernetes.io/name": "order-service"},
    }
    assert written["spec"]["encryptedData"] == values


def test_half_of_the_secrets_is_refused(bake: Bake, tmp_path: Path) -> None:
    service = bake(secrets="sealed-secrets").copy(tmp_path)
    values = "DATABASE_URL=postgresql://a@h/n\nDATABASE_PASSWORD=9f2c\n"
    assert "BROKER_URL is missing" in sealed(service, tmp_path, values, expect=1)
    untouched = yaml.safe_load(service.read("environments/production/sealed-secret.yaml"))
    assert untouched["spec"]["encryptedData"] == {}
