"""Checks the server's configuration for settings that could lose confirmed messages."""

from collections.abc import Sequence

from redis.exceptions import ResponseError

from .connections import Connections


async def risks(connections: Connections) -> Sequence[str]:
    """One sentence for each risk. Raises Unavailable."""
    async with connections.shared() as redis:
        try:
            info = await redis.info("everything")
        except ResponseError:
            return ["this account may not read the server's configuration (INFO)"]
    found = []
    if str(info.get("maxmemory_policy", "")).startswith("allkeys"):
        found.append("maxmemory-policy evicts whole streams when memory is short; set it to noeviction")
    if info.get("aof_enabled") == 0:
        found.append("appendonly is off: a restart loses messages not handled since the last snapshot")
    return found
