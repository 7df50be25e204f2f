"""The pipeline for commands."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Header, Request, Response

from ..caller import current_caller
from ..database.port import DatabaseTransaction, IdempotencyKey, TransactionRunner
from ..domain import Clock, DomainError
from .refusals import CommandRefusals

REPLAYED_HEADER = "idempotency-replayed"

# The header of a route that runs a command; give it to `Commands.run`.
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Any unique text; repeat it with the same request to be sure of one effect and the same answer",
    ),
]


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to a command: enough to send exactly the same again.

    Args:
        status: the HTTP status.
        headers: of the response, such as ETag and Location.
        body: JSON.
    """

    status: int
    headers: dict[str, str]
    body: str

    def response(self, *, replayed: bool = False) -> Response:
        """The HTTP response; `replayed` marks one that was sent before."""
        headers = {**self.headers, REPLAYED_HEADER: "true"} if replayed else self.headers
        return Response(self.body, self.status, headers, media_type="application/json")


Command = Callable[[DatabaseTransaction], Awaitable[StoredResponse]]


@dataclass(frozen=True, slots=True)
class Commands:
    """The pipeline that every command goes through, in this order:

    1. The idempotency key and the fingerprint of the request are computed, once.
    2. The TransactionRunner begins a transaction. If the database fails half-way and has stored nothing, it runs the
       following steps again in a new one; they touch nothing but their transaction.
    3. The key is claimed. If its response is stored already, that is the response, and nothing else happens.
    4. The use case changes aggregates. If it refuses, nothing is stored and the key is free again.
    5. The response is saved under the key.
    6. Events recorded by the aggregates go to the outbox (if the runner has one) and to the audit log, and the
       transaction commits.
    7. Only then is the response sent. The relay publishes the events later.

    Args:
        transactions: runs steps 2 to 6.
        now: time at which responses are saved.
        refusals: records refused commands in the audit log.
    """

    transactions: TransactionRunner
    now: Clock
    refusals: CommandRefusals | None = None

    async def run(self, request: Request, key: str | None, command: Command) -> Response:
        """Run a command and commit before the response is sent.

        Args:
            request: the request that the key stands for.
            key: the client's Idempotency-Key, if it sent one.
            command: runs the use case in the transaction that it is given; may run again, see above.

        Raises:
            DomainError: the command was refused; nothing was stored and the key is free again.
        """
        try:
            return await self._run(request, key, command)
        except DomainError as error:
            if self.refusals is not None:
                await self.refusals.record(request, error)
            raise

    async def _run(self, request: Request, key: str | None, command: Command) -> Response:
        if key is None:
            return (await self.transactions.run(command)).response()
        claim = IdempotencyKey(key, await _fingerprint(request))

        async def once(transaction: DatabaseTransaction) -> Response:
            earlier = await transaction.idempotency.claim(claim)
            if earlier is not None:
                return StoredResponse(**orjson.loads(earlier)).response(replayed=True)
            stored = await command(transaction)
            await transaction.idempotency.save_response(claim, orjson.dumps(stored), self.now())
            return stored.response()

        return await self.transactions.run(once)


async def _fingerprint(request: Request) -> bytes:
    """A digest of everything that changes the effect of a request: method, path, query, If-Match, body and caller."""
    digest = hashlib.sha256()
    subject = current_caller().subject
    for part in (
        request.method.encode(),
        request.scope["path"].encode(),
        request.scope["query_string"],
        ",".join(request.headers.getlist("if-match")).encode(),
        _canonical(await request.body()),
        *(() if subject is None else (subject.encode(),)),
    ):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


def _canonical(body: bytes) -> bytes:
    """The same bytes however JSON is spaced and ordered.

    A command without a body accepts anything: a body that is not JSON, or is nested too deeply, stands for itself.
    """
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body
