"""The forms that the carer's phone sends."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from anju_core.dispatch import Place
from anju_platform.visits.schemas import Condition, ElderWord


class PhoneForm(BaseModel):
    """What every step of the phone carries: an id of its own (sent twice, it counts once), and the phone's time."""

    step_id: str | None = Field(None, min_length=1, max_length=80)
    phone_at: AwareDatetime | None = None


class CheckInForm(PhoneForm):
    """An arrival at the door, degrees in WGS 84. A phone without a position sends empty fields."""

    code: str = Field("", max_length=12)
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | str | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | str | None = None

    def read_place(self) -> Place | None:
        """Return where the phone is; None where it does not know."""
        if isinstance(self.latitude, float) and isinstance(self.longitude, float):
            return Place(self.latitude, self.longitude)
        return None


class TaskForm(PhoneForm):
    """The answer to one item of the checklist."""

    task: str = Field(min_length=1, max_length=40)
    done: bool


class HelpForm(PhoneForm):
    """A call for help; `task` is the item whose answer is dangerous, where there is one."""

    task: str = Field("", max_length=40)


class CheckOutForm(PhoneForm):
    """The end of the visit, with its report."""

    condition: Condition
    summary: str = Field(min_length=1, max_length=2000)
    elder: ElderWord
