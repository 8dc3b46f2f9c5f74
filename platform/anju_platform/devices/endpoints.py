"""Gateways, devices and quarantine over the API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.devices.schemas import DeviceView, GatewayView, InstalledView, QuarantinePage, QuarantineView
from anju_platform.devices.service import DeviceService
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["devices"])
DevicesDep = Annotated[DeviceService, Depends(provide(DeviceService))]
Watcher = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.TESTER))]
Overseer = Annotated[Actor, Depends(require(Role.SUPERVISOR, Role.TESTER))]


@router.get("/homes/{home_id}/devices")
def home_devices(home_id: str, actor: Watcher, devices: DevicesDep, work: UnitDep) -> InstalledView:
    """A home's gateway and devices, with battery, link and when each was last heard; the look is logged."""
    installed = devices.get_installed(work, actor, home_id)
    return InstalledView(
        home_id=home_id,
        gateways=[GatewayView.model_validate(row) for row in installed.gateways],
        devices=[DeviceView.model_validate(row) for row in installed.devices],
    )


@router.get("/devices/quarantine")
def quarantine(
    actor: Overseer,
    devices: DevicesDep,
    work: UnitDep,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> QuarantinePage:
    """Messages of the asker's scope that could not be taken, with where and why, newest first."""
    work.only_read()
    rows = devices.list_quarantine(work, actor, before, limit)
    return QuarantinePage(
        messages=[QuarantineView.of(row) for row in rows], next=rows[-1].id if len(rows) == limit else None
    )
