"""What the API is told of a wish."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from anju_platform.sensitivity.service import FALSE_ALERTS, ROUTINE_CHANGES
from anju_platform.sensitivity.views import FalseAlertTarget


class WishGiven(BaseModel):
    """Per home and month."""

    false_alerts: Annotated[float, Field(ge=FALSE_ALERTS[0], le=FALSE_ALERTS[1], allow_inf_nan=False)]
    """False alerts of silence that the community puts up with."""
    routine_changes: Annotated[float, Field(ge=ROUTINE_CHANGES[0], le=ROUTINE_CHANGES[1], allow_inf_nan=False)]
    """Changes of routine that may be told although nothing changed."""

    def wish(self) -> FalseAlertTarget:
        """As the service takes it."""
        return FalseAlertTarget(false_alerts=self.false_alerts, routine_changes=self.routine_changes)


class WishChosen(WishGiven):
    """A choice, and what was seen when it was made."""

    seen: WishGiven | None = None
