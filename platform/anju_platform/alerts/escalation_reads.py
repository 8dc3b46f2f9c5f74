"""What escalation reads within one transaction: each policy, audience and home once, however many alerts it serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from anju_core.escalation import Audience, Policy
from anju_core.recipients import Recipient
from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import find_addresses
from anju_platform.residents.records import HomeAddress


class EscalationReads:
    """Reads policies, people and homes at one time, and remembers them; made anew for each unit of work.

    homes: addresses that were read already, by the home's id.
    """

    def __init__(
        self, work: UnitOfWork, oncall: OncallService, now: datetime, homes: Mapping[str, HomeAddress]
    ) -> None:
        self._work, self._oncall, self._now = work, oncall, now
        self._policies: dict[tuple[str, str], Policy] = {}
        self._people: dict[tuple[Audience, str, str], Sequence[Recipient]] = {}
        self._homes = dict(homes)

    def policy_of(self, alert: Alert) -> Policy:
        """Return the escalation policy that holds for an alert now."""
        key = (alert.community_id, alert.kind)
        if key not in self._policies:
            repository = AlertRepository(self._work.session)
            self._policies[key] = repository.find_policy(alert.community_id, AlertKind(alert.kind), self._now)
        return self._policies[key]

    def people_of(self, alert: Alert, audience: Audience) -> Sequence[Recipient]:
        """Return whom an audience of an alert means now; none where it means nobody."""
        home = alert.home_id if audience is Audience.FAMILY else ""
        key = (audience, alert.community_id, home)
        if key not in self._people:
            meant = self._oncall.resolve_audiences(self._work, alert.community_id, alert.home_id, [audience], self._now)
            self._people[key] = meant[audience]
        return self._people[key]

    def find_addresses(self, alerts: Iterable[Alert]) -> dict[str, HomeAddress]:
        """Return the addresses of alerts' homes by the home's id; a home that there is not is absent."""
        unread = {alert.home_id for alert in alerts} - self._homes.keys()
        if unread:
            self._homes.update(find_addresses(self._work, unread))
        return self._homes
