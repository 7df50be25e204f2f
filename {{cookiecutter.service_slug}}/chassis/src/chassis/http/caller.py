"""The caller of a request. Nothing else reads what identifies it, so that there is one answer."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

UNKNOWN = "unknown"
# A household or a server is given a network of this size, so one sender has all of its addresses.
_IPV6_PREFIX = 64


def caller_of(scope: Scope) -> str:
    """The key that all requests of one caller share: its address, of IPv6 the network.

    Behind a proxy it is the caller's own address only if `HTTP_TRUSTED_PROXIES` names the proxy.
    """
    client = scope.get("client")
    host: str = client[0] if client else UNKNOWN
    return _network_of(host) if ":" in host else host


def _network_of(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
