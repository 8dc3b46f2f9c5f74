"""Monitoring of all homes: the inactivity detector and supervision, fed by ingest, evaluated by the scheduler."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import structlog

from anju_core.events import AbsenceChanged, AlertResolved, HomeSupervisionChanged, SensitivityChanged
from anju_core.reasons import Reason
from anju_core.vocabulary import INACTIVITY_KINDS
from anju_detect.errors import SnapshotRefused
from anju_detect.inactivity import Explanation, InactivityDetector, InactivitySignal, LifeBatch
from anju_detect.supervision import SupervisionParameters
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.last_seen import LastSeenMap
from anju_platform.devices.supervised import list_homes_disconnected, list_supervised
from anju_platform.monitoring.activity_reader import ActivityReader, MonitoringSnapshot, MonitoringSnapshotRefused
from anju_platform.monitoring.backlog import BacklogTracker
from anju_platform.monitoring.deadlines import DeadlineBook
from anju_platform.monitoring.detector_snapshots import Snapshot, SnapshotStore
from anju_platform.monitoring.errors import MonitoringFailed, UnwatchedHome
from anju_platform.monitoring.homes import Away, HomeRegister, MonitoredHome, moment
from anju_platform.monitoring.inactivity_alerts import Raises, alert_of
from anju_platform.monitoring.repository import MonitoringRepository
from anju_platform.monitoring.rules import MonitoringRules
from anju_platform.monitoring.since_snapshot import learn_outcomes, settle_absences
from anju_platform.monitoring.snapshots import NAME, Snapshots
from anju_platform.monitoring.supervision import HomeOffline, SupervisionMonitor
from anju_platform.timeseries.store import SeriesStore, SeriesUnavailable
from anju_wire.clock import Clock

_LONG_AGO = 0.0, 1.0
log = structlog.get_logger("anju.monitoring")


class MonitoringService:
    """Inactivity and supervision of all homes. Thread-safe; `update_activity` and `record_last_seen` run no SQL."""

    def __init__(
        self,
        *,
        work: WorkFactory,
        clock: Clock,
        alerts: Raises,
        detector: InactivityDetector | None = None,
        rules: MonitoringRules | None = None,
        supervision: SupervisionParameters | None = None,
    ) -> None:
        self._work, self._clock, self._alerts = work, clock, alerts
        self._rules, self._parameters = rules or MonitoringRules(), supervision
        self._lock = threading.RLock()
        self._given = detector
        self._reset(detector or InactivityDetector())

    def _reset(self, detector: InactivityDetector) -> None:
        """Forget everything about every home."""
        self._detector = detector
        self._rows: dict[str, int] = {}
        self._places: dict[str, MonitoredHome] = {}
        self._backlog = BacklogTracker(self._rules)
        self._supervision = SupervisionMonitor(self._rules, self._parameters, self._clock.time())
        self._due: dict[str, InactivitySignal] = {}
        self._returning: dict[str, HomeOffline] = {}
        self._away: dict[str, Away] = {}
        self._deadlines = DeadlineBook(self._rules)
        self._refresh_at_s = self._swept_s = -math.inf
        self._snapshots = Snapshots(self._work, self._rules.overlap_s)
        self._replay: tuple[SeriesStore, float] | None = None
        self._replay_at_s = -math.inf

    # --- what ingest says ------------------------------------------------------------------------------------------

    def find_row(self, home_id: str) -> int:
        """Return the home's row for `LifeBatch.home`; SQL at the first call for a home. Raises `UnwatchedHome`."""
        known = self._rows.get(home_id)
        if known is not None:
            return known
        with self._work() as work:
            work.only_read()
            places = HomeRegister(work).list_places(home_id)
        if not places:
            raise UnwatchedHome(home_id)
        with self._lock:
            return self._add(places[0])

    def update_activity(self, batch: LifeBatch, arrived_s: float) -> None:
        """Process signs of life and heartbeats that arrived at `arrived_s`, Unix seconds."""
        with self._lock:
            # What a home kept while it was cut off teaches like any other day: its heartbeats say if it watched on.
            for row in self._backlog.came_back(batch):
                self._detector.set_outage(self._detector.state.names[row], *_LONG_AGO)
            self._detector.process_batch(batch)
            self._backlog.note_batch(batch, arrived_s, self._swept_s)
            self._snapshots.note_oldest(float(np.min(batch.at_s, initial=math.inf)))

    def mark_late_readings(self) -> None:
        """Store from when a restart must read the series, if older readings came than it would look for."""
        self._snapshots.mark_late()

    def record_last_seen(self, last_seen: LastSeenMap, arrived_s: float) -> None:
        """Record when gateways (arrival time) and devices (event time) were last seen."""
        with self._lock:
            self._supervision.record_last_seen(last_seen, arrived_s)

    def set_gateway_online(self, home_id: str, online: bool, at_s: float) -> None:  # noqa: FBT001 - the fact itself
        """Record a gateway's connection, as it or its last will reports it."""
        with self._lock:
            self._supervision.set_gateway_online(home_id, online, at_s)

    def set_sensor_bus(self, home_id: str, cause: str, since_s: float) -> None:
        """Record why a gateway receives no sensors and since when; an empty `cause`: it receives them."""
        with self._lock:
            self._supervision.set_sensor_bus(home_id, cause, since_s)

    def set_receiving(self, up: bool, at_s: float) -> None:  # noqa: FBT001 - the fact itself
        """Record whether the platform receives and stores telemetry; while it does not, no silence is raised."""
        with self._lock:
            self._supervision.set_receiving(up, at_s)

    # --- what people and other slices say --------------------------------------------------------------------------

    def explain_home(self, home_id: str, now_s: float) -> Explanation:
        """Return the detector's explanation of a home at `now_s`, Unix seconds. Raises `UnwatchedHome`."""
        self.find_row(home_id)
        with self._lock:
            return self._detector.explain_home(home_id, now_s)

    def record_outcome(self, home_id: str, outcome: str, at_s: float) -> None:
        """Let the detector learn the outcome of an inactivity alert. Raises `UnwatchedHome`."""
        self.find_row(home_id)
        with self._lock:
            self._detector.record_outcome(home_id, outcome, at_s)

    def on_alert_resolved(self, event: AlertResolved) -> None:
        """Record the outcome of an inactivity alert; other kinds of alerts are ignored."""
        if event.kind in INACTIVITY_KINDS:
            self.record_outcome(event.home_id, event.outcome.value, event.at.timestamp())

    def set_absence(self, home_id: str, from_s: float, until_s: float) -> None:
        """Record that nobody is at home between two Unix times; replaces an earlier absence. Raises `UnwatchedHome`."""
        self.find_row(home_id)
        with self._lock:
            self._leave(Away(home_id, from_s, until_s))

    def on_absence_changed(self, event: AbsenceChanged) -> None:
        """Record an absence that was announced, changed or ended."""
        self.set_absence(event.home_id, event.start.timestamp(), event.until.timestamp())

    def on_sensitivity_changed(self, _event: SensitivityChanged) -> None:
        """Have the next sweep read the communities' targets anew, also for silences that are under way."""
        self._refresh_at_s = -math.inf

    def shift_times(self, by_s: float) -> None:
        """Move every remembered time by `by_s` seconds, as the clock is moved: each silence is as long as before."""
        with self._lock:
            for part in (self._detector, self._supervision, self._backlog, self._deadlines):
                part.shift_times(by_s)
            self._due = {home: _moved(signal, by_s) for home, signal in self._due.items()}
            self._returning = {home: replace(one, since_s=one.since_s + by_s) for home, one in self._returning.items()}
            self._refresh_at_s, self._replay_at_s = -math.inf, -math.inf
            self._swept_s += by_s

    # --- each second -----------------------------------------------------------------------------------------------

    def sweep_homes(self, now_s: float) -> int:
        """Raise alerts that are due and record which homes went offline or came back; returns the number of changes.

        Raises `MonitoringFailed` after everything was tried; what failed stays due.
        """
        self._catch_up(now_s)
        with self._lock:
            self._swept_s = now_s
            changes = self._supervision.evaluate_homes(now_s)
            # What the devices of a home that is catching up said is still on its way.
            offline = [one for one in changes.offline if one.by_gateway or not self._late(one.home_id, now_s)]
        failed: list[Exception] = []
        for change in offline:
            self._try(failed, partial(self._set_offline, change, now_s))
        for change in changes.online:
            self._try(failed, partial(self._set_online, change, now_s))
        with self._lock:
            self._end_outages(now_s)
            if self._replay is None:
                self._merge_due(self._detector.sweep_homes(now_s))
            ready = self._ready(now_s)
        for signal in ready:
            self._try(failed, partial(self._raise, signal, now_s))
        self._try(failed, partial(self._deadlines.write_changed, self._work, self._lock, self._detector, now_s))
        if failed:
            raise MonitoringFailed(len(failed)) from failed[0]
        return len(offline) + len(changes.online) + len(ready)

    def _try(self, failed: list[Exception], change: Callable[[], None]) -> None:
        """Run one change; collect its error, so that one home's failure does not stop the others."""
        try:
            change()
        except Exception as error:
            log.exception("change_not_stored")
            failed.append(error)

    def _catch_up(self, now_s: float) -> None:
        """Refresh the register when it is due, and read the series again that could not be read at the start."""
        if now_s >= self._refresh_at_s:
            self.refresh_register(now_s)
        if self._replay is not None and now_s >= self._replay_at_s:
            self._replay_series(*self._replay)

    def refresh_register(self, now_s: float) -> None:
        """Read homes, devices and absences from the database."""
        self._refresh_at_s = now_s + self._rules.refresh_s
        try:
            with self._work() as work:
                work.only_read()
                records = HomeRegister(work)
                places, devices, away = (
                    records.list_places(),
                    list_supervised(work),
                    records.find_absences(work.clock.now()),
                )
        except BaseException:
            self._refresh_at_s = -math.inf
            raise
        with self._lock:
            for place in places:
                self._add(place)
            self._supervision.replace_devices(devices)
            for absence in away.values():
                if absence.home_id in self._rows and self._away.get(absence.home_id) != absence:
                    self._leave(absence)

    def _add(self, place: MonitoredHome) -> int:
        if self._places.get(place.home_id) != place:
            self._rows[place.home_id] = self._detector.add_home(
                place.home_id, false_alerts_per_month=place.false_alerts_per_month, utc_offset_s=place.utc_offset_s
            )
            self._places[place.home_id] = place
        return self._rows[place.home_id]

    def _leave(self, away: Away) -> None:
        self._away[away.home_id] = away
        until_s = max(away.until_s, math.nextafter(away.from_s, math.inf))
        self._detector.set_absence(away.home_id, away.from_s, until_s)

    def _late(self, home_id: str, now_s: float) -> bool:
        return home_id in self._rows and self._backlog.catching_up(self._rows[home_id], now_s)

    # --- supervision -----------------------------------------------------------------------------------------------

    def _set_offline(self, change: HomeOffline, now_s: float) -> None:
        self._record_supervision(change, now_s, offline=True)
        with self._lock:
            self._supervision.confirm_change(change, online=False)
            self._returning.pop(change.home_id, None)
            if change.home_id in self._rows and not change.by_device:
                self._detector.set_outage(change.home_id, change.since_s, None)
                self._backlog.follow_outage(self._rows[change.home_id], change.since_s, cut=change.by_gateway)

    def _set_online(self, change: HomeOffline, now_s: float) -> None:
        self._record_supervision(change, now_s, offline=False)
        with self._lock:
            self._supervision.confirm_change(change, online=True)
            if change.home_id in self._rows and not change.by_device:
                self._returning[change.home_id] = change

    def _record_supervision(self, change: HomeOffline, now_s: float, *, offline: bool) -> None:
        since, reason = (moment(change.since_s), change.reason) if offline else (None, None)
        with self._work() as work:
            MonitoringRepository(work.session).save_supervision(change.home_id, since, reason)
            at = moment(now_s) or work.clock.now()
            work.record(HomeSupervisionChanged(at=at, home_id=change.home_id, offline=offline, reason=reason))

    def _end_outages(self, now_s: float) -> None:
        """End the outage of homes that are back: their backlog counts as observed where it holds the heartbeats."""
        for home_id, change in list(self._returning.items()):
            row = self._rows[home_id]
            if self._backlog.catching_up(row, now_s) or not self._settled(now_s):
                continue
            del self._returning[home_id]
            observed = self._backlog.watched_on(row, now_s) and change.by_gateway
            span = _LONG_AGO if observed or now_s <= change.since_s else (change.since_s, now_s)
            self._detector.set_outage(home_id, *span)

    # --- silence ---------------------------------------------------------------------------------------------------

    def _settled(self, now_s: float) -> bool:
        return self._supervision.receiving and now_s - self._supervision.since_s >= self._rules.settle_s

    def _ready(self, now_s: float) -> list[InactivitySignal]:
        """Return the inactivity signals to raise now; the others wait until they can be trusted or life ends them."""
        ready = []
        for home_id, signal in list(self._due.items()):
            if self._detector.explain_home(home_id, now_s).last_life_s != signal.since_s:
                self._detector.retract_alert(self._due.pop(home_id), now_s)
            elif self._believed(home_id, signal, now_s):
                ready.append(signal)
        return ready

    def _believed(self, home_id: str, signal: InactivitySignal, now_s: float) -> bool:
        row = self._rows.get(home_id)
        if row is None or self._replay is not None or not self._settled(now_s):
            return False
        if self._supervision.is_unheard(home_id, now_s) or home_id in self._returning:
            return False
        if not self._supervision.gateway_seen_since(home_id, self._supervision.since_s):
            return False
        return not self._late(home_id, now_s) or self._backlog.has_reached(row, signal.deadline_s, now_s)

    def _raise(self, signal: InactivitySignal, now_s: float) -> None:
        with self._lock:
            told = self._detector.explain_home(signal.home, now_s)
        with self._work() as work:
            self._alerts.raise_alert(work, alert_of(signal, told, self._places[signal.home].community_id))
        with self._lock:
            if self._due.get(signal.home) == signal:
                del self._due[signal.home]

    # --- restarts --------------------------------------------------------------------------------------------------

    def save_snapshot(self) -> None:
        """Store the snapshot that a restart begins from, in a transaction of its own."""
        if self._replay is not None:
            return  # what the series still holds would be forgotten
        self._snapshots.replace_snapshot(self._lock, self._dump)

    def _dump(self) -> tuple[float, bytes]:
        rhythms = [(home, device, one) for (home, device), one in self._supervision.rhythms.items()]
        snapshot = MonitoringSnapshot(list(self._due.values()), self._detector.dump_snapshot(), rhythms)
        return self._clock.time(), snapshot.dump()

    def restore_state(self, series: SeriesStore) -> None:
        """Take over what the database and the series hold, before ingest begins: the snapshot, then the series since.

        Whatever this object knew is forgotten, but a detector that it was given: another process may have led
        meanwhile, and silence is counted from now. Where the series cannot be read yet, no silence is raised until it
        could be; alarms do not wait for it.
        """
        now_s = self._clock.time()
        with self._lock:
            self._reset(self._given or InactivityDetector())
            self._given = None
        with self._work() as work:
            work.only_read()
            records = HomeRegister(work)
            snapshot = SnapshotStore(work.session).find_snapshot(NAME)
            offline = MonitoringRepository(work.session).list_offline()
            homes = {
                row.home_id: (row.offline_since.timestamp(), Reason(row.reason_code))
                for row in offline
                if row.offline_since is not None
            }
            gateways = list_homes_disconnected(work)
            away = records.find_absences(work.clock.now())
            outcomes = records.list_outcomes(moment(snapshot.at_s) or work.clock.now()) if snapshot else ()
        from_s = now_s - self._rules.history_s
        with self._lock:
            if snapshot is not None and self._recall(snapshot):
                from_s = self._snapshots.resume_from(snapshot)
                self._away = settle_absences(self._detector, away, snapshot.at_s)
                learn_outcomes(self._detector, outcomes)
        self.refresh_register(now_s)
        with self._lock:
            if not math.isfinite(self._detector.state.until_s):
                # What never knew the time would read the past without asking about it.
                self._detector.sweep_homes(now_s)
            self._supervision.restore_offline(homes)
            for home_id in gateways:
                self._supervision.set_gateway_online(home_id, False, now_s)
            self._settle_outages(now_s)
        self._replay_series(series, from_s)

    def _recall(self, snapshot: Snapshot) -> bool:
        try:
            memory = MonitoringSnapshot.load(snapshot.state)
            self._detector = InactivityDetector.from_snapshot(memory.detector)
        except (MonitoringSnapshotRefused, SnapshotRefused) as error:
            log.warning("snapshot_refused", error=str(error))
            return False
        self._rows, self._places = {}, {}
        self._deadlines = DeadlineBook(self._rules)
        self._supervision.restore_rhythms({(home, device): one for home, device, one in memory.rhythms})
        self._merge_due(memory.due)
        return True

    def _merge_due(self, signals: list[InactivitySignal]) -> None:
        for signal in signals:
            before = self._due.get(signal.home)
            if before is not None and before.episode != signal.episode:
                self._detector.retract_alert(before, signal.at_s)
            self._due[signal.home] = signal

    def _settle_outages(self, now_s: float) -> None:
        """Bring the detector's outages of the snapshot in line with the database."""
        offline = {one.home_id: one for one in self._supervision.offline_homes}
        state = self._detector.state
        for home_id, row in self._rows.items():
            began = float(state["outage_from_s"][row])
            still_open = math.isfinite(began) and math.isinf(float(state["outage_until_s"][row]))
            if home_id in offline and offline[home_id].by_device:
                self._detector.set_outage(home_id, *_LONG_AGO)
            elif home_id in offline:
                self._detector.set_outage(home_id, offline[home_id].since_s, None)
                self._backlog.follow_outage(row, offline[home_id].since_s, cut=offline[home_id].by_gateway)
            elif still_open:
                self._backlog.follow_outage(row, began, cut=True)
                self._returning[home_id] = HomeOffline(home_id, min(began, now_s), by_gateway=True)

    def _replay_series(self, series: SeriesStore, from_s: float) -> None:
        """Process the series again from `from_s` on; what was processed before changes nothing."""
        now_s = self._clock.time()
        lives = ActivityReader(DeviceCache(self._work), dict(self._rows))
        try:
            for batch in lives.read_batches(series, from_s, now_s + self._rules.late_s):
                with self._lock:
                    self._detector.process_batch(batch)
        except SeriesUnavailable as error:
            log.warning("series_not_readable", error=str(error), again_in_s=self._rules.replay_retry_s)
            self._replay, self._replay_at_s = (series, from_s), now_s + self._rules.replay_retry_s
            return
        self._replay = None


def _moved(signal: InactivitySignal, by_s: float) -> InactivitySignal:
    return replace(signal, since_s=signal.since_s + by_s, deadline_s=signal.deadline_s + by_s, at_s=signal.at_s + by_s)
