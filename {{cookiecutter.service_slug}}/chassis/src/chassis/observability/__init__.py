"""Generates alert rules and the dashboard of a service from the files that its team edits.

| edited                      | content                                                           |
|-----------------------------|-------------------------------------------------------------------|
| slo.yaml                    | the service, and its objectives                                   |
| observability/alerts/*.yaml | faults that must be noticed before users notice them              |
| observability/dashboard/    | rows and panels                                                   |

| generated                                      | for                                            |
|------------------------------------------------|------------------------------------------------|
| observability/rules.yaml                       | Prometheus                                     |
| k8s/components/monitoring/prometheusrule.yaml  | the same rules, for the Prometheus Operator    |
| observability/dashboard.json                   | Grafana                                        |
"""
