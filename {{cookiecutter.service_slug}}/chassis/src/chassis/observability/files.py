"""The generated files of a service."""

from pathlib import Path

from . import dashboard, objectives, rules

HEADER = "# Made from slo.yaml and observability/alerts by `make slo`: edit those instead.\n"


def generated_files(root: Path) -> dict[Path, str]:
    """Every generated file of a service, and its content.

    Args:
        root: the service's folder.
    """
    promises = objectives.read(root / "slo.yaml")
    folder, component = root / "observability", root / "k8s" / "components" / "monitoring"
    groups = rules.groups(promises, list((folder / "alerts").glob("*.yaml")))
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": promises.service, "labels": {"app.kubernetes.io/name": promises.service}},
        "spec": {"groups": groups},
    }
    return {
        folder / "rules.yaml": HEADER + rules.text({"groups": groups}),
        component / "prometheusrule.yaml": HEADER + rules.text(manifest),
        folder / "dashboard.json": dashboard.text(sorted((folder / "dashboard").glob("*.yaml")), promises),
    }


def stale_files(root: Path) -> dict[Path, str]:
    """Those whose content differs from what is on disk, with the content they should have."""
    return {
        path: text
        for path, text in generated_files(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
