"""Chooses ports for servers that are started some time later."""

from __future__ import annotations

import secrets
import socket

LOWEST, HIGHEST = 11_000, 32_000
"""Below the ports that systems use for outgoing connections (Linux from 32768, others from 49152), which would take a
chosen port before its server listens."""


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return `count` different free ports, searched from a random one on; raises `OSError` where there are too few."""
    start = secrets.randbelow(HIGHEST - LOWEST)
    found: list[int] = []
    for step in range(HIGHEST - LOWEST):
        port = LOWEST + (start + step) % (HIGHEST - LOWEST)
        if _is_free(port, host):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"only {len(found)} of {count} ports are free")


def free_port(host: str = "127.0.0.1") -> int:
    """Return one free port; raises `OSError` where there is none."""
    return free_ports(1, host)[0]


def next_free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """Return `wanted` or the next free port above it; raises `OSError` after a hundred attempts."""
    for port in range(wanted, min(wanted + 100, 65_536)):
        if _is_free(port, host):
            return port
    raise OSError(f"no free port from {wanted} on")


def _is_free(port: int, host: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
