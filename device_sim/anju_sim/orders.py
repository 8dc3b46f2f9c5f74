"""What each order does in a home."""

from __future__ import annotations

from collections.abc import Callable

from anju_sim.control import Action, Control, ControlRefused, SimEvent
from anju_sim.household import Household, find_recording
from anju_sim.network import Network
from anju_sim.recordings import RecordingBroken, RecordingsMissing
from anju_wire.vocabulary import Announcement, Room

Tell = Callable[[SimEvent], object]


class Orders:
    """Carries out orders, and says what became of each."""

    def __init__(self, households: dict[str, Household], network: Network, tell: Tell) -> None:
        self._households, self._network, self._tell = households, network, tell
        self._latest: dict[str, Control] = {}
        self.falls: dict[str, Control] = {}
        """By home: a fall whose impact is still to come."""
        self._do: dict[Action, Callable[[Household, Control, float], str]] = {
            Action.PRESS: self._press,
            Action.HOLD: self._hold,
            Action.FALL: self._fall,
            Action.SILENCE: self._silence,
            Action.LEAVE: self._leave,
            Action.RETURN: self._return,
            Action.VISITOR: self._visitor,
            Action.BATTERY_LOW: self._battery_low,
            Action.STICK: self._stick,
            Action.CUT: self._cut,
            Action.RESTORE: self._restore,
        }

    def obey(self, order: Control, now_s: float) -> None:
        """Carry out one order at `now_s` (Unix s); tells `refused` with the reason where it can't be."""
        household = self._households.get(order.home)
        if household is None:
            self._refuse(order, now_s, f"no home {order.home!r}")
            return
        self._latest[order.home] = order
        try:
            stage = self._do[order.action](household, order, now_s)
        except (ControlRefused, RecordingsMissing, RecordingBroken) as refusal:
            self._refuse(order, now_s, str(refusal))
            return
        if stage:
            self._say(order, now_s, stage)

    def struck(self, home: str, impact_s: float) -> None:
        """The impact of a fall was sent."""
        order = self.falls.pop(home, None)
        if order:
            self._say(order, impact_s, "impact")

    def announced(self, home: str, said: str, at_s: float, detail: dict[str, object]) -> None:
        """The home's annunciator spoke; a closed matter lets life go on."""
        order = self._latest.get(home)
        self._tell(
            SimEvent(
                id=order.id if order else "",
                home=home,
                action=order.action if order else "",
                at=at_s,
                stage=said,
                detail=detail,
            )
        )
        household = self._households.get(home)
        if household and said == Announcement.CLOSED and order and order.action is Action.FALL:
            household.stand_up()

    def _say(self, order: Control, at_s: float, stage: str) -> None:
        self._tell(SimEvent(id=order.id, home=order.home, action=order.action, at=at_s, stage=stage))

    def _refuse(self, order: Control, now_s: float, why: str) -> None:
        event = SimEvent(
            id=order.id, home=order.home, action=order.action, at=now_s, stage="refused", detail={"why": why}
        )
        self._tell(event)

    @staticmethod
    def _press(household: Household, _: Control, now_s: float) -> str:
        household.press(now_s)
        return "pressed"

    @staticmethod
    def _hold(household: Household, _: Control, now_s: float) -> str:
        household.hold(now_s)
        return "pressed"

    def _fall(self, household: Household, order: Control, now_s: float) -> str:
        recording = str(order.args.get("recording", ""))
        entry = find_recording(str(order.args.get("directory", "")), recording) if recording else None
        household.fall(now_s, entry)
        self.falls[order.home] = order
        return ""

    @staticmethod
    def _silence(household: Household, _: Control, __: float) -> str:
        household.muted = True
        return "done"

    @staticmethod
    def _leave(household: Household, _: Control, now_s: float) -> str:
        household.door(now_s)
        household.muted = True
        return "done"

    @staticmethod
    def _return(household: Household, _: Control, now_s: float) -> str:
        household.stand_up()
        household.door(now_s)
        household.move(now_s + 5, Room.HALL)
        return "done"

    @staticmethod
    def _visitor(household: Household, _: Control, now_s: float) -> str:
        household.door(now_s)
        for later in (8.0, 20.0, 35.0):
            household.move(now_s + later, Room.LIVING)
        return "done"

    @staticmethod
    def _battery_low(household: Household, order: Control, now_s: float) -> str:
        household.battery_low(now_s, str(order.args.get("device", "")))
        return "done"

    @staticmethod
    def _stick(household: Household, order: Control, now_s: float) -> str:
        household.stick(now_s, str(order.args.get("device", "")))
        return "done"

    def _cut(self, household: Household, order: Control, _: float) -> str:
        self._network.cut(household.home.home, silent=bool(order.args.get("silent")))
        return "done"

    def _restore(self, household: Household, _: Control, __: float) -> str:
        self._network.restore(household.home.home)
        return "done"
