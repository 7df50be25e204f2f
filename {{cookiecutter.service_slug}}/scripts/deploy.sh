#!/usr/bin/env bash
{%- set server = cookiecutter.database in cookiecutter._layers["database/server"]["database"] %}
{%- set worker = server and cookiecutter.broker != "none" %}
set -euo pipefail

# States of a container that waiting does not cure, or not within a release.
STUCK='CrashLoopBackOff|CreateContainerConfigError|ErrImageNeverPull|ErrImagePull|ImagePullBackOff|InvalidImageName'
# Each container of a pod, with what it waits for: ` NAME=REASON`.
WAITING='{range .status.initContainerStatuses[*]} {.name}={.state.waiting.reason}{end}'
WAITING+='{range .status.containerStatuses[*]} {.name}={.state.waiting.reason}{end}'
REVISION='{.metadata.annotations.deployment\.kubernetes\.io/revision}'

usage() {
    cat <<EOF
Usage: scripts/deploy.sh ENVIRONMENT

Brings the cluster that kubectl talks to up to what environments/ENVIRONMENT says, and waits until it runs
{{- ": first what\nall pods need, then the migration, then the API" if server }}{{ ", then the worker" if worker }}.
It ends at once, with the reason, when a pod cannot start. It may be run again at any time.
EOF
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}
{%- if server or cookiecutter.__secret_keys %}

apply() {
    kubectl apply --kustomize "environments/$environment" "$@"
}
{%- endif %}

here() {
    kubectl --namespace "$namespace" "$@"
}

# Prints POD CONTAINER REASON of the first of these pods that cannot start; nothing if there is none.
stuck_pod() {
    local line
    while read -r line; do
        if [[ $line =~ ^([^ ]+)\ .*\ ([^ =]+)=($STUCK)( |$) ]]; then
            printf '%s %s %s\n' "${BASH_REMATCH[@]:1:3}"
            return
        fi
    done < <(here get pods --selector "$1" --output jsonpath="{range .items[*]}{.metadata.name} $WAITING{\"\\n\"}{end}")
}

# Shows a pod: its state, what Kubernetes says about it, its last log lines.
explain() {
    local pod=$1 container=$2 lines
    here get pod "$pod" >&2 || return 0
    here get events --field-selector "involvedObject.name=$pod,type=Warning" --sort-by=.metadata.creationTimestamp \
        --output jsonpath='{range .items[*]}{.reason}{": "}{.message}{"\n"}{end}' | tail -n 5 >&2 || true
    # A container that was started again has said why it ended before that; one without an image has said nothing.
    lines=$(here logs "$pod" --container "$container" --previous --tail=20 2>/dev/null) \
        || lines=$(here logs "$pod" --container "$container" --tail=20 2>/dev/null) || return 0
    [[ -z $lines ]] || printf -- '--- the last log lines of %s:\n%s\n---\n' "$container" "$lines" >&2
}
{% if server %}
migrate() {
    # A Job cannot be changed, so the one of the last release has to go.
    here delete job "$service-migrate" --ignore-not-found
    apply --selector app.kubernetes.io/component=migrate
    local ended='' uid pod container reason
    # The pods of the Job before may still be there.
    uid=$(here get job "$service-migrate" --output jsonpath='{.metadata.uid}')
    # Ends by itself: the Job is given ten minutes (activeDeadlineSeconds).
    until [[ $ended == *Complete* || $ended == *Failed* ]]; do
        if read -r pod container reason < <(stuck_pod "batch.kubernetes.io/controller-uid=$uid"); then
            explain "$pod" "$container"
            fail "the migration cannot start ($reason), nothing else was changed: docs/deployment.md#a-release-that-does-not-start"
        fi
        sleep 2
        ended=$(here get job "$service-migrate" --output jsonpath='{.status.conditions[?(@.status=="True")].type}')
    done
    # At its deadline the Job takes its pod away, and the log with it.
    here logs "job/$service-migrate" --tail=20 || true
    [[ $ended == *Complete* ]] || fail "the migration failed, nothing else was changed: docs/runbooks/migration-failed.md"
}

# A new Deployment has one pod until its autoscaler acts: without this, the first release would be done before.
scale_up() {
    local least present
    least=$(here get hpa --output jsonpath="{.items[?(@.spec.scaleTargetRef.name==\"$1\")].spec.minReplicas}")
    present=$(here get deployment "$1" --output jsonpath='{.spec.replicas}')
    # Zero was set by hand, and is kept.
    ((present == 0 || present >= ${least:-1})) || here scale --replicas="$least" "deployment/$1"
}
{% endif %}
# Sets what the cluster knows of a Deployment: `refused`, why it may not make pods (a quota); `revision`; `pods`, the
# selector of its new pods. Those of the release before do not count: this one may be their cure.
inspect() {
    local selector="app.kubernetes.io/name=$service,app.kubernetes.io/component=$2" state generation observed hash
    state=$(here get deployment "$1" --output \
        jsonpath="{.metadata.generation}|{.status.observedGeneration}|$REVISION|{.status.conditions[?(@.type==\"ReplicaFailure\")].message}")
    IFS='|' read -r generation observed revision refused <<<"$state"
    if [[ $generation != "$observed" ]]; then
        refused='' pods=''
        return
    fi
    hash=$(here get replicasets --selector "$selector" --output \
        jsonpath="{range .items[*]}$REVISION {.metadata.labels.pod-template-hash}{\"\\n\"}{end}" | sed -n "s/^$revision //p")
    pods="$selector,pod-template-hash=$hash"
}

# Waits until the new pods of a Deployment are ready; ends at once when one of them cannot start.
roll_out() {
    local deployment=$1 component=$2 pods='' refused='' revision='' waiting pod container reason
    # Not by `here`: kubectl itself has to be the job that ends with this script.
    kubectl --namespace "$namespace" rollout status --timeout=10m "deployment/$deployment" &
    waiting=$!
    while kill -0 "$waiting" 2>/dev/null; do
        inspect "$deployment" "$component"
        [[ -z $refused ]] || give_up "$deployment" "$refused"
        if [[ $pods ]] && read -r pod container reason < <(stuck_pod "$pods"); then
            explain "$pod" "$container"
            give_up "$deployment" "$reason of pod/$pod"
        fi
        sleep 1
    done
    wait "$waiting" && return
    pod=$(here get pods --selector "$pods" --output jsonpath='{.items[?(@.status.containerStatuses[0].ready==false)].metadata.name}')
    [[ -z $pod ]] || explain "${pod%% *}" "$component"
    give_up "$deployment" "its new pods are not ready"
}

# Ends the release, and says what runs now and how to go back.
give_up() {
    local back="there is no release to go back to: correct this one and run this again"
    [[ $revision == 1 ]] || back="{{ "its old pods go on" if server else "nothing serves now" }}; back: kubectl -n $namespace rollout undo$undo deployment/$1, and docs/deployment.md#going-back"
    fail "deployment/$1 does not start: $2; $back"
}

# Every change of a setting made a ConfigMap. Those are deleted that no release uses which `rollout undo` can reach.
clean_up() {
    local used name
    used=$(here get replicasets,jobs --selector "app.kubernetes.io/name=$service" \
        --output jsonpath='{.items[*].spec.template.spec.containers[*].envFrom[*].configMapRef.name}')
    [[ $used ]] || return 0
    for name in $(here get configmaps --selector "app.kubernetes.io/name=$service" --output jsonpath='{.items[*].metadata.name}'); do
        if [[ $name == "$service-config-"* && " $used " != *" $name "* ]]; then
            here delete configmap "$name"
        fi
    done
}

# The cluster that kubectl talks to, for people.
target() {
    command -v kubectl >/dev/null || fail "kubectl is not installed: https://kubernetes.io/docs/tasks/tools/"
    if ! kubectl config current-context 2>/dev/null; then
        # In a pod, kubectl needs no context.
        [[ ${KUBERNETES_SERVICE_HOST:-} ]] || fail "kubectl has no cluster: choose one with kubectl config use-context NAME"
        printf 'the cluster that this runs in\n'
    fi
}
{% if cookiecutter.__secret_keys %}
# The Secret, with all keys: without one, pods would wait for it without a word.
require_secrets() {
    local wait={{ "0" if cookiecutter.secrets == "kubernetes" else "30" }} keys key missing
    here wait --for=create --timeout={{ "5s" if cookiecutter.secrets == "kubernetes" else "60s" }} "secret/$service-secrets" \
        || fail "secret/$service-secrets is missing: docs/deployment.md#secrets"
    while :; do
        # shellcheck disable=SC2016 # the variables are the template's
        missing='' keys=$(here get secret "$service-secrets" --output go-template='{{ "{{range $key, $_ := .data}}{{$key}} {{end}}" }}')
        # shellcheck disable=SC2043 # one key or several
        for key in {{ cookiecutter.__secret_keys.strip() }}; do
            [[ " $keys " == *" $key "* ]] || missing+=" $key"
        done
        [[ $missing ]] || return 0
        # A controller may be about to add it.
        ((wait-- > 0)) || fail "secret/$service-secrets has no$missing: docs/deployment.md#secrets"
        sleep 2
    done
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
    undo=''
    local cluster
    cluster=$(target)
    printf '%s -> %s\n' "$namespace" "$cluster"
    # Ctrl-C must not leave a kubectl behind that waits.
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
{{- "\n    ! grep --quiet '^  encryptedData: {}' \"environments/$environment/sealed-secret.yaml\" \\\n        || fail \"nothing is sealed for $environment yet: make seal ENV=$environment\"" if cookiecutter.secrets == "sealed-secrets" }}
{{- "\n    apply --selector '!app.kubernetes.io/component'" if server or cookiecutter.__secret_keys }}
{{- "\n    require_secrets" if cookiecutter.__secret_keys }}
{{- "\n    migrate" if server }}
{{- "\n    # First the API: if it does not start, the workers of the release before go on alone.\n    apply --selector app.kubernetes.io/component=api" if worker else "\n    apply" if server or cookiecutter.__secret_keys else "\n    kubectl apply --kustomize \"environments/$environment\"" }}
{{- "\n    scale_up \"$service\"" if server }}
    roll_out "$service" api
{{- "\n    undo=\" deployment/$service\"\n    apply\n    scale_up \"$service-worker\"\n    roll_out \"$service-worker\" worker" if worker }}
    clean_up
}

main "$@"
