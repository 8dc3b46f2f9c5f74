"""The slices of the platform: from one list come the tables that are migrated and the API that is served."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType

from fastapi import APIRouter
from sqlalchemy import MetaData

from anju_platform.db.base import Base

SLICES = (
    "accounts",
    "alerts",
    "visits",
    "residents",
    "routine",
    "oncall",
    "notifications",
    "devices",
    "monitoring",
    "ingest",
    "sensitivity",
    "audit_trail",
    "read_models.homes",
    "read_models.sensitivity",
    "read_models.family",
    "read_models.district",
    "read_models.tester",
)
"""Packages of `anju_platform`. Of each, `models` declares tables, and `endpoints` holds a `router` of JSON; a package
may lack either. A router that is earlier answers first."""


def load_metadata() -> MetaData:
    """Return the metadata with every table of every slice."""
    for _ in _find_modules("models"):
        pass
    return Base.metadata


def endpoint_routers() -> list[APIRouter]:
    """Return the routers of the JSON API, in the order of `SLICES`."""
    return [module.router for module in _find_modules("endpoints")]


def _find_modules(name: str) -> Iterator[ModuleType]:
    for package in SLICES:
        module = f"anju_platform.{package}.{name}"
        if importlib.util.find_spec(module):
            yield importlib.import_module(module)
