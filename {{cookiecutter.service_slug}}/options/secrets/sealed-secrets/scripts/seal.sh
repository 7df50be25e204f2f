#!/usr/bin/env bash
set -euo pipefail

usage() {
    cat <<EOF
Usage: scripts/seal.sh ENVIRONMENT < VALUES

Reads lines NAME=VALUE from standard input and writes environments/ENVIRONMENT/sealed-secret.yaml, which only the
controller of that cluster can read. It takes all of: {{ cookiecutter.__secret_keys.split() | join(", ") }}.
Commit what it wrote; keep the values elsewhere.

kubeseal asks the cluster that kubectl talks to for its certificate; SEALED_SECRETS_CERT names a file or a URL instead.
EOF
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

main() {
    case ${1:-} in
        -h | --help) usage && return ;;
        dev | staging | production) ;;
        *) usage >&2 && exit 2 ;;
    esac
    local service={{ cookiecutter.service_slug }} needed=({{ cookiecutter.__secret_keys.split() | join(" ") }}) values name target=environments/$1/sealed-secret.yaml
    command -v kubeseal >/dev/null || fail "kubeseal is not installed"
    values=$(cat)
    for name in "${needed[@]}"; do
        grep --quiet "^$name=." <<<"$values" || fail "$name is missing; see --help"
    done
    # Never as an argument, which others on this machine could read.
    kubectl create secret generic "$service-secrets" --namespace "$service-$1" --from-env-file=/dev/stdin \
        --dry-run=client --output=yaml <<<"$values" \
        | kubeseal --format=yaml \
        | kubectl label --local --filename=- --output=yaml "app.kubernetes.io/name=$service" >"$target.new" \
        || { rm -f "$target.new"; fail "nothing was sealed"; }
    mv "$target.new" "$target"
    printf '%s\n' "$target"
}

main "$@"
