"""IP addresses of clients: what stands for one of them, and whom a proxy may speak for."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

_IPV6_HOME = 64
"""Prefix that one subscriber has: within it, addresses cost nothing (RFC 6177)."""


def network_of(address: str) -> str:
    """Return what stands for a client: its IPv4 address, or the /64 of its IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), _IPV6_HOME), strict=False))


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Tell whether an address belongs to one of these addresses or networks."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(one, strict=False) for one in networks)
