"""Every table of the platform, so that `Base.metadata` is whole wherever it is migrated or compared."""

from __future__ import annotations

from anju_platform.accounts import models as accounts
from anju_platform.alerts import models as alerts
from anju_platform.db.base import Base
from anju_platform.devices import models as devices
from anju_platform.notifications import models as notifications
from anju_platform.oncall import models as oncall
from anju_platform.residents import models as residents
from anju_platform.routine import models as routine
from anju_platform.sensitivity import models as sensitivity
from anju_platform.visits import models as visits

SLICES = (accounts, alerts, devices, notifications, oncall, residents, routine, sensitivity, visits)
METADATA = Base.metadata
