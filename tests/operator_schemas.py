"""What operators and the Gateway API take: as much of the schemas of their objects as services use."""

from typing import Any

Schema = dict[str, Any]

DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w|y))+$"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 1}


TEXT: Schema = {"type": "string", "minLength": 1}
SELECTOR = _object(("matchLabels",), matchLabels=TEXTS)
ENDPOINT = _object(
    ("port",),
    port=TEXT,
    path={"type": "string", "pattern": "^/"},
    interval=DURATION,
    scrapeTimeout=DURATION,
    relabelings=_list(_object(("targetLabel", "replacement"), targetLabel=TEXT, replacement=TEXT)),
)
ALERT = _object(
    ("alert", "expr", "labels", "annotations"),
    alert=TEXT,
    expr=TEXT,
    **{"for": DURATION},
    labels=TEXTS,
    annotations=TEXTS,
)
RECORD = _object(("record", "expr"), record=TEXT, expr=TEXT, labels=TEXTS)
GROUP = _object(("name", "rules"), name=TEXT, interval=DURATION, rules=_list({"oneOf": [ALERT, RECORD]}))

HOST = {
    "type": "string",
    "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "maxLength": 253,
}
NUMBER: Schema = {"type": "integer", "minimum": 1}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
MATCH = _object(
    ("path",),
    path=_object(("type", "value"), type={"enum": ["Exact", "PathPrefix"]}, value={"type": "string", "pattern": "^/"}),
)
RULE = _object(
    ("backendRefs",),
    matches=_list(MATCH),
    backendRefs=_list(_object(("name", "port"), name=TEXT, port=PORT)),
    timeouts=_object(request={"type": "string", "pattern": r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}),
)
REMOTE = _object(
    ("secretKey", "remoteRef"),
    secretKey={"type": "string", "pattern": "^[-._a-zA-Z0-9]+$"},
    remoteRef=_object(("key",), key=TEXT, property=TEXT),
)
TRIGGER = _object(
    ("type", "metadata"),
    type={"enum": ["kafka", "nats-jetstream", "rabbitmq", "redis-streams"]},
    # Numbers and truth values are written as texts here.
    metadata=TEXTS,
    authenticationRef=_object(("name",), name=TEXT),
)
# API version -> kind -> schema of its spec.
SPECS: dict[str, dict[str, Schema]] = {
    "monitoring.coreos.com/v1": {
        "ServiceMonitor": _object(
            ("selector", "endpoints"), jobLabel=TEXT, selector=SELECTOR, endpoints=_list(ENDPOINT)
        ),
        "PodMonitor": _object(
            ("selector", "podMetricsEndpoints"), jobLabel=TEXT, selector=SELECTOR, podMetricsEndpoints=_list(ENDPOINT)
        ),
        "PrometheusRule": _object(("groups",), groups=_list(GROUP)),
    },
    "gateway.networking.k8s.io/v1": {
        "HTTPRoute": _object(
            ("parentRefs", "rules"),
            parentRefs=_list(_object(("name",), name=TEXT, namespace=TEXT, sectionName=TEXT)),
            hostnames=_list(HOST),
            rules=_list(RULE),
        ),
    },
    "bitnami.com/v1alpha1": {
        "SealedSecret": _object(
            ("encryptedData",),
            encryptedData=TEXTS,
            template=_object(metadata=_object(("name", "namespace"), name=TEXT, namespace=TEXT), type=TEXT),
        ),
    },
    "external-secrets.io/v1": {
        "ExternalSecret": _object(
            ("secretStoreRef", "target", "data"),
            refreshInterval=DURATION,
            secretStoreRef=_object(("name",), kind={"enum": ["ClusterSecretStore", "SecretStore"]}, name=TEXT),
            target=_object(
                name=TEXT,
                creationPolicy={"enum": ["Owner", "Orphan", "Merge", "None"]},
                deletionPolicy={"enum": ["Delete", "Merge", "Retain"]},
            ),
            data=_list(REMOTE),
        ),
    },
    "keda.sh/v1alpha1": {
        "ScaledObject": _object(
            ("scaleTargetRef", "triggers"),
            scaleTargetRef=_object(("name",), apiVersion=TEXT, kind=TEXT, name=TEXT),
            pollingInterval=NUMBER,
            minReplicaCount={"type": "integer", "minimum": 0},
            maxReplicaCount=NUMBER,
            fallback=_object(("failureThreshold", "replicas"), failureThreshold=NUMBER, replicas=NUMBER),
            triggers=_list(TRIGGER),
        ),
        "TriggerAuthentication": _object(
            secretTargetRef=_list(_object(("parameter", "name", "key"), parameter=TEXT, name=TEXT, key=TEXT)),
        ),
    },
}


def schema(api_version: str, kind: str) -> Schema | None:
    """The schema of a whole object; None for a kind that is Kubernetes' own, or that no service has."""
    spec = SPECS.get(api_version, {}).get(kind)
    metadata = {"type": "object", "required": ["name"]}
    return spec and _object(
        ("apiVersion", "kind", "metadata", "spec"),
        apiVersion={"const": api_version},
        kind={"const": kind},
        metadata=metadata,
        spec=spec,
    )
