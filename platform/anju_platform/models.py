"""Every table of the platform, so that `Base.metadata` is whole wherever it is migrated or compared."""

from __future__ import annotations

from anju_platform.access import models as access
from anju_platform.alerts import models as alerts
from anju_platform.devices import models as devices
from anju_platform.duty import models as duty
from anju_platform.notify import models as notify
from anju_platform.records.base import Base
from anju_platform.residents import models as residents
from anju_platform.routine import models as routine
from anju_platform.visits import models as visits
from anju_platform.wishes import models as wishes

SLICES = (access, alerts, devices, duty, notify, residents, routine, visits, wishes)
METADATA = Base.metadata
