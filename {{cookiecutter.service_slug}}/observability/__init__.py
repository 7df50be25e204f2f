"""Makes alert rules and the dashboard from what people edit; `make slo` runs it.

| edited                      | what it says                                                      |
|-----------------------------|-------------------------------------------------------------------|
| slo.yaml                    | what users can rely on                                            |
| observability/alerts/*.yaml | faults that somebody has to know of before users do               |
| observability/dashboard/    | what is looked at                                                 |

| made                                           | for                                            |
|------------------------------------------------|------------------------------------------------|
| observability/rules.yaml                       | Prometheus                                     |
| k8s/components/monitoring/prometheusrule.yaml  | the same rules, for the Prometheus Operator    |
| observability/dashboard.json                   | Grafana                                        |
"""
