"""A Kubernetes API that only answers: what kubectl reads, it gets from objects that a test has written down.

with cluster(pod("order-service-7-a", waiting="ErrImagePull")) as server:
    subprocess.run(["kubectl", "--server", server, "get", "pods"])
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Object = dict[str, Any]

# By group and version: the kinds that are known, by the plural in their addresses.
KINDS = {
    "v1": {"configmaps": "ConfigMap", "events": "Event", "pods": "Pod", "secrets": "Secret"},
    "apps/v1": {"deployments": "Deployment", "replicasets": "ReplicaSet"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "batch/v1": {"jobs": "Job"},
}
SHORT_NAMES = {"horizontalpodautoscalers": ["hpa"]}


@contextmanager
def cluster(*objects: Object) -> Iterator[str]:
    """The address of an API with these objects, of any namespace."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = _answer(self.path, objects)
            content = json.dumps(answer or {"kind": "Status", "status": "Failure", "code": 404}).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _answer(path: str, objects: tuple[Object, ...]) -> Object | None:
    url = urlsplit(path)
    parts = url.path.strip("/").split("/")
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"]}
    if parts == ["apis"]:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [*map(_group, [*KINDS][1:])]}
    if parts[0] not in ("api", "apis"):
        return None
    version = "/".join(parts[1 : 2 if parts[0] == "api" else 3])
    rest = parts[1 + version.count("/") + 1 :]
    if not rest:
        return {
            "kind": "APIResourceList",
            "groupVersion": version,
            "resources": [*map(_resource, KINDS[version].items())],
        }
    kind = KINDS[version][rest[2]]
    found = [each | {"apiVersion": version} for each in objects if each["kind"] == kind]
    if len(rest) > 3:
        return next((each for each in found if each["metadata"]["name"] == rest[3]), None)
    query = dict(parse_qsl(url.query))
    items = [each for each in found if _is_selected(each, query)]
    return {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items}


def _group(version: str) -> Object:
    named = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [named], "preferredVersion": named}


def _resource(named: tuple[str, str]) -> Object:
    name, kind = named
    verbs = {"verbs": ["get", "list"], "shortNames": SHORT_NAMES.get(name, [])}
    return {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, **verbs}


def _is_selected(each: Object, query: dict[str, str]) -> bool:
    labels = each["metadata"].get("labels", {})
    wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
    fields = dict(pair.split("=") for pair in query.get("fieldSelector", "").split(",") if pair)
    about = {"involvedObject.name": each.get("involvedObject", {}).get("name"), "type": each.get("type")}
    return wanted.items() <= labels.items() and fields.items() <= about.items()
