#!/usr/bin/env bash
{%- set server = cookiecutter.database in cookiecutter._layers["database/server"]["database"] %}
set -euo pipefail

usage() {
    cat <<EOF
Usage: scripts/deploy.sh ENVIRONMENT

Brings the cluster that kubectl talks to up to what environments/ENVIRONMENT says, and waits until it runs
{{- ": first what\nall pods need, then the migration, then the pods" if server }}.
It may be run again at any time.
EOF
}
{% if server or cookiecutter.__secret_keys %}
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

apply() {
    kubectl apply --kustomize "environments/$environment" "$@"
}
{% endif %}
{%- if server %}
migrate() {
    # A Job cannot be changed, so the one of the last release has to go.
    kubectl --namespace "$namespace" delete job "$service-migrate" --ignore-not-found
    apply --selector app.kubernetes.io/component=migrate
    # Ends by itself: the Job is given ten minutes (activeDeadlineSeconds).
    local ended=''
    until [[ $ended == *Complete* || $ended == *Failed* ]]; do
        sleep 2
        ended=$(kubectl --namespace "$namespace" get job "$service-migrate" \
            --output jsonpath='{.status.conditions[?(@.status=="True")].type}')
    done
    # At its deadline the Job takes its pod away, and the log with it.
    kubectl --namespace "$namespace" logs "job/$service-migrate" --tail=20 || true
    [[ $ended == *Complete* ]] || fail "the migration failed, nothing else was changed: docs/runbooks/migration-failed.md"
}
{% endif %}
main() {
    case ${1:-} in
        -h | --help) usage && return ;;
        dev | staging | production) ;;
        *) usage >&2 && exit 2 ;;
    esac
    environment=$1
    service={{ cookiecutter.service_slug }}
    namespace=$service-$environment
    printf '%s -> %s\n' "$namespace" "$(kubectl config current-context)"
{{- "\n    ! grep --quiet '^  encryptedData: {}' \"environments/$environment/sealed-secret.yaml\" \\\n        || fail \"nothing is sealed for $environment yet: make seal ENV=$environment\"" if cookiecutter.secrets == "sealed-secrets" }}
{%- if cookiecutter.__secret_keys %}
    apply --selector '!app.kubernetes.io/component'
    kubectl --namespace "$namespace" wait --for=create --timeout={{ "5s" if cookiecutter.secrets == "kubernetes" else "60s" }} "secret/$service-secrets" \
        || fail "secret/$service-secrets is missing: docs/deployment.md#secrets"
{%- endif %}
{%- if server %}
    migrate
{%- endif %}
    {{ "apply" if server or cookiecutter.__secret_keys else 'kubectl apply --kustomize "environments/$environment"' }}
    kubectl --namespace "$namespace" rollout status --timeout=10m "deployment/$service"
{{- '\n    kubectl --namespace "$namespace" rollout status --timeout=10m "deployment/$service-worker"' if server and cookiecutter.broker != "none" }}
}

main "$@"
