"""How the server is set up, as far as it says: what could make it lose what it has confirmed."""

from collections.abc import Sequence

from redis.exceptions import ResponseError

from .connections import Connections


async def risks(connections: Connections) -> Sequence[str]:
    """One sentence for each. Raises Unavailable."""
    async with connections.answering() as redis:
        try:
            info = await redis.info("everything")
        except ResponseError:
            return ["this account may not see how the server is set up (INFO)"]
    found = []
    if str(info.get("maxmemory_policy", "")).startswith("allkeys"):
        found.append("maxmemory-policy drops whole streams when memory is short; set it to noeviction")
    if info.get("aof_enabled") == 0:
        found.append("appendonly is off: a restart forgets what was not handled since the last snapshot")
    return found
