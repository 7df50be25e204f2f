"""Asks the issuer for its keys (OpenID Connect Discovery 1.0, RFC 7517)."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import httpx2
import orjson

from ...errors import Unavailable
from .settings import AuthSettings

DEPENDENCY = "issuer"
DISCOVERY = "/.well-known/openid-configuration"
MAX_BYTES = 262_144


class Issuer:
    """A client of the OpenID provider."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._jwks_url = settings.jwks_url
        self._client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        """Prepare for use; nothing is sent yet."""
        context = ssl.create_default_context(cafile=self._settings.ca_file)
        # Redirects are not followed: a sender of one could name keys of its own.
        self._client = httpx2.AsyncClient(
            verify=context,
            timeout=self._settings.keys_timeout_seconds,
            headers={"accept": "application/json"},
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()

    async def fetch_keys(self) -> Sequence[dict[str, Any]]:
        """The keys as they are published. Raises Unavailable."""
        try:
            async with asyncio.timeout(self._settings.keys_timeout_seconds):
                return await self._fetch_keys()
        except (TimeoutError, httpx2.HTTPError, OSError) as error:
            self._jwks_url = self._settings.jwks_url  # it may have moved
            raise Unavailable(DEPENDENCY, f"does not answer ({type(error).__name__})") from error

    async def _fetch_keys(self) -> Sequence[dict[str, Any]]:
        if self._jwks_url is None:
            self._jwks_url = await self._discover()
        keys = (await self._get(self._jwks_url)).get("keys")
        if not isinstance(keys, list):
            raise Unavailable(DEPENDENCY, "its key set is malformed: there is no list `keys`")
        return [key for key in keys if isinstance(key, dict)]

    async def _discover(self) -> str:
        """Where the keys are. The document must name the same issuer (OpenID Connect Discovery 1.0, section 4.3)."""
        issuer = str(self._settings.issuer)
        document = await self._get(issuer.rstrip("/") + DISCOVERY)
        if document.get("issuer") != issuer:
            raise Unavailable(DEPENDENCY, "its configuration names another issuer: AUTH_ISSUER must equal it exactly")
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not url.startswith(("https:", "http:")):
            raise Unavailable(DEPENDENCY, "its configuration names no `jwks_uri`")
        if issuer.startswith("https:") and not url.startswith("https:"):
            raise Unavailable(DEPENDENCY, "its configuration names a `jwks_uri` without TLS")
        return url

    async def _get(self, url: str) -> dict[str, Any]:
        if self._client is None:
            raise Unavailable(DEPENDENCY, "is not opened")
        async with self._client.stream("GET", url) as response:
            if response.status_code != httpx2.codes.OK:
                raise Unavailable(DEPENDENCY, f"answers {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise Unavailable(DEPENDENCY, f"sends more than {MAX_BYTES} bytes")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Unavailable(DEPENDENCY, "does not answer with JSON") from None
        if not isinstance(document, dict):
            raise Unavailable(DEPENDENCY, "does not answer with a JSON object")
        return document
