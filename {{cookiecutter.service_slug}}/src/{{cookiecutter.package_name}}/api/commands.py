"""Runs a use case and its answer in one transaction, once for each idempotency key."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import orjson
from fastapi import Request, Response

from ..domain.idempotency import IdempotencyKey
from ..domain.ports import Clock, Transactions, UnitOfWork
from ..domain.use_cases import UseCases

REPLAYED_HEADER = "idempotency-replayed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered: enough to say exactly the same again."""

    status: int
    headers: dict[str, str]
    body: str

    def response(self, *, replayed: bool = False) -> Response:
        """The HTTP response; `replayed` marks one that was given before."""
        headers = {**self.headers, REPLAYED_HEADER: "true"} if replayed else self.headers
        return Response(self.body, self.status, headers, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Commands:
    """The writing side of the service."""

    transactions: Transactions
    use_cases: UseCases
    now: Clock

    async def run(
        self,
        request: Request,
        key: str | None,
        command: Callable[[UnitOfWork], Awaitable[Answer]],
    ) -> Response:
        """Run a command and commit before anything is answered.

        Args:
            request: the request, whose method, path and body the key stands for.
            key: the client's Idempotency-Key, if it sent one.
            command: does the work within the transaction it is given.

        Raises:
            DomainError: the command was refused; nothing was stored and the key is free again.
        """
        if key is None:
            return (await self.transactions.run(command)).response()
        claim = IdempotencyKey(key, await _fingerprint(request))

        async def once(work: UnitOfWork) -> Response:
            earlier = await work.answers.claim(claim)
            if earlier is not None:
                return Answer(**orjson.loads(earlier)).response(replayed=True)
            answer = await command(work)
            await work.answers.keep(claim, orjson.dumps(answer), self.now())
            return answer.response()

        return await self.transactions.run(once)


async def _fingerprint(request: Request) -> bytes:
    """A digest of what the request asks for, the same however its JSON was spaced or ordered."""
    body = await request.body()
    with suppress(orjson.JSONDecodeError):  # commands that take no body do not mind what was sent
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(b"\0".join((request.method.encode(), request.url.path.encode(), body))).digest()
