"""Asks a running service for everything it offers, in the order a client would, and insists that nothing was left out.

The service's own document is the list of what there is: an operation that no step calls fails the walk, so a new
endpoint needs a step here before it counts as served.
"""

import json
import re
import time
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPMessage
from typing import Any, cast
from urllib.parse import urlsplit

OPERATIONS = ("/health/live", "/health/startup", "/health/ready", "/info", "/metrics", "/openapi.json")
NOBODY = "00000000-0000-7000-8000-000000000000"
SECONDS = 15


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        return cast("dict[str, Any]", json.loads(self.body))

    @property
    def etag(self) -> str:
        """What the next change must send as If-Match."""
        return self.headers["etag"]


@dataclass
class Walk:
    """One client's conversation with one running service."""

    url: str
    # Sent with every request of a client, where the service asks who calls.
    token: str = ""
    called: set[tuple[str, str]] = field(default_factory=set)

    def everything(self) -> None:
        """Every operation, at least once."""
        self.operations()
        self.strangers()
        self.history(self.lifecycle())
        self.refusals()
        assert not (left_out := self.offered() - self.called), f"offered, but no step calls them: {sorted(left_out)}"

    def operations(self) -> None:
        """What Kubernetes, Prometheus and people on call ask for."""
        for path in OPERATIONS:
            self.call("GET", path)
        in_production = self.call("GET", "/info").json["environment"] == "production"
        self.call("GET", "/docs", expect=404 if in_production else 200)

    def strangers(self) -> None:
        """A client without a token gets nothing but a challenge (RFC 6750), wherever a permission is needed."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if operation.get("security"):
                    refused = self._send(method.upper(), path.replace("{id}", NOBODY), None, {})
                    assert refused.status == 401, f"{method} {path} without a token: {refused.status}"
                    assert refused.headers["www-authenticate"] == "Bearer"

    def lifecycle(self) -> str:
        """Create, read, amend and confirm one; create and cancel another. Answers where the first one is."""
        first = self.create("A-1001")
        where = self.place(first)
        read = self.call("GET", where)
        assert (read.json, read.etag) == (first.json, first.etag)
        amended = self.change("PATCH", where, first, {"quantity": 5})
        assert (amended.json["quantity"], amended.json["reference"]) == (5, "A-1001")
        confirmed = self.change("POST", f"{where}/confirm", amended)
        assert confirmed.json["status"] == "confirmed"
        second = self.create("A-1002")
        assert self.change("POST", f"{self.place(second)}/cancel", second).json["status"] == "cancelled"
        self.listed(confirmed.json)
        return where

    def history(self, where: str) -> None:
        """What happened to it comes round through outbox, broker and inbox, where the service has them."""
        if f"{self.resource}/{{id}}/history" not in self.document["paths"]:
            return
        deadline = time.monotonic() + SECONDS
        happened = {1: "created", 2: "amended", 3: "confirmed"}
        told: dict[int, str] = {}
        while told != happened:
            assert time.monotonic() < deadline, f"after {SECONDS} s its history is {told}"
            time.sleep(0.05)
            items = self.call("GET", f"{where}/history").json["items"]
            told = {each["version"]: each["type"].rpartition(".")[2] for each in items}

    def refusals(self) -> None:
        """What a client does wrong is told to it, as problem details."""
        created = self.create("A-1003")
        confirm = f"{self.place(created)}/confirm"
        self.refused(428, "POST", confirm)
        self.refused(412, "POST", confirm, if_match='"999"')
        self.refused(404, "POST", f"{self.resource}/{NOBODY}/confirm", if_match=created.etag)
        self.refused(404, "GET", f"{self.resource}/{NOBODY}")
        self.refused(422, "POST", self.resource, {"reference": "", "quantity": 0})
        self.refused(422, "GET", f"{self.resource}?limit=0")

    def create(self, reference: str) -> Answer:
        """A new one, which says where it is."""
        created = self.call("POST", self.resource, {"reference": reference, "quantity": 3}, expect=201)
        assert created.headers["location"].endswith(self.place(created))
        assert created.json["status"] == "created"
        return created

    def change(self, method: str, path: str, seen: Answer, body: object = None) -> Answer:
        """A change by someone who has seen the latest state; the state after it has another tag."""
        changed = self.call(method, path, body, if_match=seen.etag)
        assert changed.etag != seen.etag
        return changed

    def listed(self, wanted: dict[str, Any]) -> None:
        """A list by status holds it; following the pages one by one reaches it too."""
        page = self.call("GET", f"{self.resource}?status={wanted['status']}&limit=100").json
        assert wanted in page["items"]
        page = self.call("GET", f"{self.resource}?limit=1").json
        while wanted not in page["items"]:
            assert page["next_cursor"], f"{wanted['id']} is on no page"
            page = self.call("GET", f"{self.resource}?limit=1&cursor={page['next_cursor']}").json

    def refused(self, status: int, method: str, path: str, body: object = None, if_match: str = "") -> None:
        """A refusal is a document of its own kind (RFC 9457)."""
        problem = self.call(method, path, body, if_match=if_match, expect=status)
        assert problem.headers.get_content_type() == "application/problem+json"
        assert problem.json["status"] == status

    def call(self, method: str, path: str, body: object = None, *, if_match: str = "", expect: int = 200) -> Answer:
        """One request and the status it must have."""
        __tracebackhide__ = True
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self._send(method, path, body, headers | ({"If-Match": if_match} if if_match else {}))
        assert answer.status == expect, f"{method} {path}: {answer.status}, not {expect}: {answer.body.decode()}"
        if answer.status < 400:  # an operation that only ever refused has not been served
            self.called.add((method, self.template(path.partition("?")[0])))
        return answer

    def offered(self) -> set[tuple[str, str]]:
        """Every operation in the service's document."""
        return {
            (method.upper(), path)
            for path, item in self.document["paths"].items()
            for method in item.keys() & {"get", "put", "post", "delete", "patch"}
        }

    def template(self, path: str) -> str:
        """What the document calls this path."""
        patterns = {template: re.sub(r"\{\w+\}", "[^/]+", template) for template in self.document["paths"]}
        return next((template for template, pattern in patterns.items() if re.fullmatch(pattern, path)), path)

    def place(self, created: Answer) -> str:
        """Where one is to be found."""
        return f"{self.resource}/{created.json['id']}"

    @cached_property
    def resource(self) -> str:
        """Where the service keeps its resource: the one path of a version that takes new ones."""
        paths = self.document["paths"]
        (found,) = [path for path, item in paths.items() if re.fullmatch(r"/v1/[a-z0-9-]+", path) and "post" in item]
        return str(found)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._send("GET", "/openapi.json", None, {}).json

    def _send(self, method: str, target: str, body: object, headers: dict[str, str]) -> Answer:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=SECONDS)
        try:
            content = None if body is None else json.dumps(body).encode()
            sent = headers | ({} if content is None else {"Content-Type": "application/json"})
            connection.request(method, target, content, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
