"""A release that cannot start ends soon, and says why. kubectl reads from a cluster that a test writes down."""

import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.baked import Bake, Baked
from tests.cluster import Object, cluster

pytestmark = pytest.mark.needs("kubectl")

# Reads like kubectl, and changes nothing. A rollout waits for longer than any test.
KUBECTL = """#!/bin/sh
echo "$*" >> "$NOTES"
case "$*" in
    "config current-context") echo shop ;;
    *" get "*) exec "$KUBECTL" --server "$SERVER" "$@" ;;
    *" rollout status "*"deployment/$READY") echo "successfully rolled out" ;;
    *" rollout status "*) exec sleep 60 ;;
    *" logs job/"*) echo "relation orders exists already" ;;
    *" logs "*"--previous"*) [ -n "$CRASHED" ] && echo "cannot start: DATABASE_URL: must be set" ;;
    *" logs "*) exit 1 ;;
esac
"""
# Far below the ten minutes of a rollout, and enough for a slow machine.
SOON_SECONDS = 30


@dataclass
class Release:
    """What a release of `staging` did."""

    service: Baked
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def failing(self, *objects: Object, **env: str) -> str:
        """Deploy to a cluster with these objects; the complaint of the script, which has to end soon."""
        command, notes = self.folder / "kubectl", self.folder / "notes"
        command.write_text(KUBECTL, encoding="utf-8")
        command.chmod(stat.S_IRWXU)
        env = {"CRASHED": "", "READY": "none", "NOTES": str(notes), "HOME": str(self.folder)} | env
        env |= {"PATH": f"{self.folder}:/usr/bin:/bin", "KUBECTL": shutil.which("kubectl") or ""}
        began = time.monotonic()
        with cluster(*objects, *self._around()) as server:
            done = self.service.run("scripts/deploy.sh", "staging", expect=1, SERVER=server, **env)
        assert time.monotonic() - began < SOON_SECONDS
        self.told = notes.read_text(encoding="utf-8").splitlines()
        return done.stderr

    @property
    def applied(self) -> list[str]:
        """The component of each `apply`; empty for everything."""
        lines = [line for line in self.told if line.startswith("apply")]
        return [line.partition("component=")[2] for line in lines]

    def _around(self) -> Iterator[Object]:
        yield {"kind": "Secret", "metadata": {"name": "order-service-secrets"}, "data": KEYS}


KEYS = {"DATABASE_URL": "", "BROKER_URL": ""}


@pytest.fixture
def release(bake: Bake, tmp_path: Path) -> Release:
    """A release of the default service."""
    return Release(bake(), tmp_path)


def labels(component: str, **more: str) -> dict[str, str]:
    """The labels of the objects of a component."""
    return {"app.kubernetes.io/name": "order-service", "app.kubernetes.io/component": component} | more


def migration(*conditions: str) -> Object:
    """The Job that migrates."""
    met = [{"type": each, "status": "True"} for each in conditions]
    return {"kind": "Job", "metadata": {"name": "order-service-migrate", "uid": "u1"}, "status": {"conditions": met}}


def deployment(component: str, revision: str = "7", refused: str = "") -> Iterator[Object]:
    """A Deployment in the middle of its rollout, with the ReplicaSets of the release before and of this one."""
    name = "order-service" if component == "api" else f"order-service-{component}"
    key = "deployment.kubernetes.io/revision"
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": refused}] if refused else []
    yield {
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 9, "annotations": {key: revision}},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 9, "conditions": conditions},
    }
    for number, version in (("6", "old"), (revision, "new")):
        hashed = labels(component, **{"pod-template-hash": version})
        yield {"kind": "ReplicaSet", "metadata": {"name": version, "labels": hashed, "annotations": {key: number}}}


def pod(component: str, version: str, reason: str = "", **more: str) -> Object:
    """A pod of a component; with a reason, it waits for it."""
    state: Object = {"waiting": {"reason": reason}} if reason else {"running": {}}
    status = {"name": component, "ready": not reason, "state": state}
    hashed = labels(component, **{"pod-template-hash": version}, **more)
    metadata = {"name": f"{component}-{version}", "labels": hashed}
    return {"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [status]}}


def warning(about: str, reason: str, message: str) -> Object:
    """What Kubernetes says about a pod."""
    metadata = {"name": reason.lower(), "creationTimestamp": "2026-01-31T12:00:00Z"}
    return {"kind": "Event", "metadata": metadata, "type": "Warning", "involvedObject": {"name": about}} | {
        "reason": reason,
        "message": message,
    }


def test_a_crashing_pod_ends_the_release_with_its_last_words(release: Release) -> None:
    old = pod("api", "old", "CrashLoopBackOff")  # which a release may be the cure of
    crashing = [pod("api", "new", "CrashLoopBackOff"), warning("api-new", "BackOff", "Back-off restarting api")]
    said = release.failing(migration("Complete"), *deployment("api"), old, *crashing, CRASHED="1")
    assert "CrashLoopBackOff of pod/api-new" in said
    assert "BackOff: Back-off restarting api" in said
    assert "cannot start: DATABASE_URL: must be set" in said
    assert "kubectl -n order-service-staging rollout undo deployment/order-service," in said
    assert "docs/deployment.md#going-back" in said
    # The worker is not changed before the API runs.
    assert release.applied == ["", "migrate", "api"]


@pytest.mark.long
def test_a_crashing_worker_ends_the_release_with_the_way_back_for_both(release: Release) -> None:
    objects = [migration("Complete"), *deployment("api"), *deployment("worker"), pod("api", "new")]
    said = release.failing(*objects, pod("worker", "new", "CrashLoopBackOff"), CRASHED="1", READY="order-service")
    assert "CrashLoopBackOff of pod/worker-new" in said
    assert "rollout undo deployment/order-service deployment/order-service-worker," in said
    assert release.applied == ["", "migrate", "api", ""]


SLOW = [
    pytest.param(each, marks=pytest.mark.long)
    for each in ("CreateContainerConfigError", "ImagePullBackOff", "InvalidImageName")
]


@pytest.mark.parametrize("reason", ["ErrImagePull", *SLOW])
def test_a_pod_that_waits_in_vain_ends_the_release(release: Release, reason: str) -> None:
    message = warning("api-new", "Failed", "registry.example.com/order-service:0.1.0: not found")
    said = release.failing(migration("Complete"), *deployment("api"), pod("api", "new", reason), message)
    assert f"{reason} of pod/api-new" in said
    assert "registry.example.com/order-service:0.1.0: not found" in said
    assert "log lines" not in said


@pytest.mark.long
def test_a_first_release_has_no_way_back(release: Release) -> None:
    said = release.failing(migration("Complete"), *deployment("api", "1"), pod("api", "new", "ErrImagePull"))
    assert "rollout undo" not in said
    assert "correct this one" in said


def test_a_quota_that_refuses_the_pods_ends_the_release(release: Release) -> None:
    said = release.failing(migration("Complete"), *deployment("api", refused="exceeded quota: team"))
    assert "deployment/order-service does not start: exceeded quota: team" in said


def test_a_migration_without_its_image_ends_the_release(release: Release) -> None:
    mine = {"batch.kubernetes.io/controller-uid": "u1"}
    waiting = pod("migrate", "new", "ImagePullBackOff", **mine)
    said = release.failing(migration(), waiting, warning("migrate-new", "Failed", "no such tag"))
    assert "the migration cannot start (ImagePullBackOff)" in said
    assert "no such tag" in said
    assert release.applied == ["", "migrate"]


@pytest.mark.long
def test_a_failed_migration_shows_its_log(release: Release) -> None:
    left = pod("migrate", "old", "ImagePullBackOff")  # of a Job that is deleted already
    said = release.failing(migration("FailureTarget", "Failed"), left)
    assert "the migration failed, nothing else was changed" in said
    assert "order-service-staging logs job/order-service-migrate --tail=20" in "\n".join(release.told)


def test_a_secret_without_one_of_its_keys_ends_the_release(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KEYS, "BROKER_URL")
    assert "secret/order-service-secrets has no BROKER_URL: docs/deployment.md#secrets" in release.failing()
    assert release.applied == [""]
