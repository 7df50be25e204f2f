"""`python -m observability` writes what is made from what people edit; `--check` only says what is out of date."""

import sys
from pathlib import Path

from . import dashboard, objectives, rules

ROOT = Path(__file__).parents[1]
MADE = "# Made from slo.yaml and observability/alerts by `make slo`: edit those instead.\n"


def made(root: Path = ROOT) -> dict[Path, str]:
    """Every file that is made, and what it should hold."""
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
        folder / "rules.yaml": MADE + rules.text({"groups": groups}),
        component / "prometheusrule.yaml": MADE + rules.text(manifest),
        folder / "dashboard.json": dashboard.text(sorted((folder / "dashboard").glob("*.yaml")), promises),
    }


def main() -> None:
    """Write what has changed, or say it."""
    stale = [path for path, text in made().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        raise SystemExit("".join(f"{path.relative_to(ROOT)} is out of date: run `make slo`\n" for path in stale) or 0)
    for path in stale:
        path.write_text(made()[path], encoding="utf-8")


if __name__ == "__main__":
    main()
