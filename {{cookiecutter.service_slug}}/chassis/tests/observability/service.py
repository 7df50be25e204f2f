"""A service's folder with the files that its team edits."""

from pathlib import Path

from chassis.testing.monitoring import HEADINGS

FILES = {
    "slo.yaml": """
service: warehouse
jobs: [warehouse, warehouse-worker]
window: 30d
runbooks: https://example.org/docs/runbooks
objectives:
  - {name: availability, promise: Requests succeed., measure: errors, routes: [/v1/*], target: 99.9%,
     alert: ServerErrors}
  - {name: latency, promise: Requests are fast., measure: duration, routes: [/v1/a, /v1/b-c], within: 250ms,
     target: 99%, alert: SlowAnswers}
  - {name: freshness, promise: Parcels leave in time., measure: level, of: oldest_seconds, below: 10s, target: 99%,
     alert: ParcelsLate}
""",
    "observability/alerts/service.yaml": """
- alert: NotReady
  severity: page
  expr: |
    sum by (namespace) (up{$jobs}) == 0
  for: 5m
  summary: no process is ready
  description: |
    Look at $service.
""",
    "observability/dashboard/1-first.yaml": """
- row: First
  panels:
    - {title: Requests, unit: reqps, width: 12, limit: 3,
       queries: [{expr: 'sum by (route) (rate(http_requests_total{$here}[5m]))', legend: [route]}]}
    - {title: Slow, width: 12, queries: [{expr: 'http_request_duration_seconds_bucket{$here}', legend: all}]}
    - {title: Start, kind: stat, queries: [{expr: 'up{$jobs}', legend: "$service"}]}
""",
    "k8s/components/monitoring/kustomization.yaml": "",
    **{
        f"docs/runbooks/{name}.md": f"# `{alert}`\n" + "".join(f"\n## {heading}\n" for heading in HEADINGS)
        for name, alert in {
            "server-errors": "ServerErrors",
            "slow-answers": "SlowAnswers",
            "parcels-late": "ParcelsLate",
            "not-ready": "NotReady",
        }.items()
    },
}
METRICS = """\
# HELP http_requests_total Requests
http_requests_total{method="GET",route="/v1/a",status="200"} 1.0
http_request_duration_seconds_count{method="GET",route="/v1/a"} 1.0
http_request_duration_seconds_bucket{le="0.25",method="GET",route="/v1/a"} 1.0
oldest_seconds 0.0
process_start_time_seconds 1.0
"""


def write_service(root: Path) -> None:
    """Write the files."""
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
