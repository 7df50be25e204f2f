"""Requests that tests of the API send."""

from typing import Any

import httpx2
{{ "\nfrom tests.support.callers import HEADERS\n" if cookiecutter.auth != "none" else "" }}
URL = "/v1/{{ cookiecutter.__resource }}"
DRAFT = {"reference": "A-1001", "quantity": 3}
# A new value for each field that can be amended.
AMENDMENT = {"reference": "B-2002", "quantity": 5}


def client_of(url: str) -> httpx2.Client:
    """A client of a running service."""
    return {{ "httpx2.Client(base_url=url, headers=HEADERS)" if cookiecutter.auth != "none" else "httpx2.Client(base_url=url)" }}


async def create(client: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    """Create {{ cookiecutter.__a_noun }} from the draft with these changes, which the service must accept."""
    response = await client.post(URL, json=DRAFT | changes)
    assert response.status_code == 201, response.text
    return response
