"""Device adapters: each turns one family of devices' own messages into readings."""

from anju_gateway.adapters.port import Adapter, AdapterResult, RefusedPart

__all__ = ["Adapter", "AdapterResult", "RefusedPart"]
