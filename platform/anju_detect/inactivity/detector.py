"""The inactivity detector: decides for every home from when on a gap without signs of life is worth a call."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import OutcomeUnknown, ParameterOutOfRange
from anju_detect.inactivity import durations, false_alert_budget
from anju_detect.inactivity.batch_rows import Rows, require_finite, require_interval, sort_batch
from anju_detect.inactivity.habits import LATEST_S, is_exit, learn_gap, record_activity, record_rest_end
from anju_detect.inactivity.model import InactivityModel, SurvivalForecast, tail_calibration_of
from anju_detect.inactivity.parameters import InactivityParameters
from anju_detect.inactivity.presence import presence_of
from anju_detect.inactivity.reasons import SilenceFacts, no_life_yet, silence
from anju_detect.inactivity.signals import Explanation, InactivitySignal, LifeBatch
from anju_detect.inactivity.state import AT_HOME, AWAY, MOMENTS, NOT_BACK, WHOLE_MOMENTS, HomeState
from anju_detect.inactivity.stuck import credible_rows
from anju_detect.inactivity.vocabulary import AWAY_LONG, FALSE, INACTIVITY, OUTCOMES, ROOMS
from anju_detect.local_time import UTC_OFFSET_S, check_utc_offset

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL_MOST_S = 24 * durations.HOUR_S


class InactivityDetector:
    """Detects unusual inactivity in any number of homes; time comes in through arguments only.

    A gap begins with a sign of life. Its deadline is set once it has lasted 15 minutes, at the length where the
    expected delay of a call plus the cost of a false alert times P(an innocent gap lasts longer) is least, and never
    later than the hard rules of `InactivityParameters`. Further activity in the same room never brings a pending
    deadline forward; activity elsewhere sets a new one. While nothing is received from a home no alert is raised, and
    its gap restarts when it is received again.

    Parameters
    ----------
    parameters
        Settings; the defaults if None.
    capacity
        Homes to allocate for; grows by itself.
    model
        Fitted model; the stored one if None.

    """

    def __init__(
        self,
        parameters: InactivityParameters | None = None,
        *,
        capacity: int = 64,
        model: InactivityModel | None = None,
    ) -> None:
        if capacity < 1:
            raise ParameterOutOfRange("capacity", capacity, "at least 1")
        self._p = parameters or InactivityParameters()
        self._model = model
        self._s = HomeState(capacity)
        self._swept_s = -math.inf

    @property
    def state(self) -> HomeState:
        """Columns of all homes, for training; read only."""
        return self._s

    def add_home(self, home: str, *, false_alerts_per_month: float = 1.0, utc_offset_s: float = UTC_OFFSET_S) -> int:
        """Add a home or update its settings; return its row. A new target sets the pending deadline retarget.

        Parameters
        ----------
        home
            Any stable name.
        false_alerts_per_month
            Target: false alerts per home and 30 days that the community accepts, 0.01 … 100.
        utc_offset_s
            Local minus universal time, seconds; call again when daylight saving changes it.

        Raises
        ------
        ParameterOutOfRange
            The target or the offset lies outside its range.

        """
        if not 0.01 <= false_alerts_per_month <= 100.0:  # noqa: PLR2004
            raise ParameterOutOfRange("false_alerts_per_month", false_alerts_per_month, "0.01 … 100")
        check_utc_offset(utc_offset_s)
        s, row = self._s, self._s.add_home(home)
        retarget = np.isfinite(s["last_life_s"][row]) and s["false_alert_target"][row] != np.float32(
            false_alerts_per_month
        )
        s["false_alert_target"][row], s["offset_s"][row] = false_alerts_per_month, utc_offset_s
        if retarget:
            s["deadline_s"][row], s["hold_s"][row] = np.nan, -np.inf
            self._schedule(np.array([row]))
        return row

    def process_batch(self, batch: LifeBatch) -> None:
        """Process signs of life and heartbeats of any homes, in any order; repeated and late rows are harmless.

        Raises
        ------
        BatchRefused
            A row without a finite time, or with an unknown home, room or kind; no row was processed.

        """
        rows = sort_batch(batch, self._s.size, self._swept_s + self._p.ahead_s)
        if not len(rows.home):
            return
        heard_from = self._record_reception(rows)
        self._process_activity(rows, heard_from)
        self._restart_gaps(rows.home[rows.last], heard_from[rows.last])

    def sweep_homes(self, now_s: float) -> list[InactivitySignal]:
        """Return the alerts that are due at `now_s` (Unix seconds) and were not raised for their gap before.

        One comparison over all homes finds those for which something is due: a gap that has lasted long enough to be
        given a deadline, a deadline, the end of an absence or an outage.
        """
        require_finite("now_s", now_s)
        self._swept_s = self._s.until_s = max(self._s.until_s, now_s)
        s = self._s
        rows = np.flatnonzero(s["next_s"] <= now_s)
        if not len(rows):
            return []
        self._expire_intervals(rows, now_s)
        due = (s["deadline_s"][rows] <= now_s) & (s["raised_for_s"][rows] != s["last_life_s"][rows])
        raised = rows[due & ~self._offline_or_absent(rows, now_s)]
        s["raised_for_s"][raised] = s["last_life_s"][raised]
        false_alert_budget.count_false_alerts(s, raised[s["away"][raised] == AT_HOME], now_s, 1.0)
        self._schedule(rows)
        forecast = self._forecast_current(raised)
        return [self._make_signal(int(row), now_s, forecast.select_rows([number])) for number, row in enumerate(raised)]

    def explain_home(self, home: str, now_s: float) -> Explanation:
        """Explain the state of one home at `now_s`, in figures and with the reason; changes nothing.

        Raises
        ------
        HomeNotAdded
            There is no home of this name.

        """
        row = self._s.row_of(home)
        require_finite("now_s", now_s)
        if math.isfinite(self._s["last_life_s"][row]):
            return self._explain_row(row, now_s, self._forecast_current(np.array([row])))
        presence, reason = self._estimate_presence(row, now_s), no_life_yet()
        return Explanation(home, "", math.nan, math.nan, (math.nan, math.nan), math.nan, presence, 1.0, reason)

    def record_outcome(self, home: str, outcome: str, at_s: float) -> None:
        """Record what a worker found about an alert; one of `OUTCOMES`.

        The gap of a real emergency, an absence or a technical fault is not learnt from. A false alert needs no
        correction: its gap ends by itself and is learnt from like any other.

        Raises
        ------
        OutcomeUnknown
            The outcome is none of `OUTCOMES`.

        """
        row = self._s.row_of(home)
        require_finite("at_s", at_s)
        if outcome not in OUTCOMES:
            raise OutcomeUnknown(outcome, OUTCOMES)
        if outcome not in FALSE:
            self._s["taint_until_s"][row] = max(float(self._s["taint_until_s"][row]), at_s)
            false_alert_budget.count_false_alerts(self._s, np.array([row]), at_s, -1.0)

    def retract_alert(self, signal: InactivitySignal, at_s: float) -> None:
        """Take back an alert that was not delivered, because late data had ended its gap: it is no false alert."""
        row = self._s.row_of(signal.home)
        require_finite("at_s", at_s)
        if signal.kind == INACTIVITY:
            false_alert_budget.count_false_alerts(self._s, np.array([row]), at_s, -1.0)

    def shift_times(self, by_s: float) -> None:
        """Move every remembered moment by `by_s` seconds, as the clock is moved: each silence is as long as before.

        Absences stay, and so does what was learnt by the time of day.
        """
        require_finite("by_s", by_s)
        for name in MOMENTS:
            self._s[name][:] += by_s
        for name in WHOLE_MOMENTS:
            whole = self._s[name].astype(np.float64)
            self._s[name][:] = np.where(whole > 0, np.clip(whole + by_s, 0.0, LATEST_S), 0.0).astype(np.uint32)
        self._s.until_s += by_s
        self._swept_s += by_s

    def set_absence(self, home: str, from_s: float, until_s: float) -> None:
        """Record an announced absence, which replaces an earlier one; activity inside the home ends it early."""
        row = self._s.row_of(home)
        require_interval(from_s, until_s)
        self._s["absent_from_s"][row], self._s["absent_until_s"][row] = from_s, until_s
        self._schedule(np.array([row]))

    def set_outage(self, home: str, from_s: float, until_s: float | None) -> None:
        """Record that nothing is received from … until (None: not known yet); that time is no gap."""
        row = self._s.row_of(home)
        until = math.inf if until_s is None else until_s
        require_interval(from_s, until)
        self._s["outage_from_s"][row], self._s["outage_until_s"][row] = from_s, until
        self._schedule(np.array([row]))

    def dump_snapshot(self) -> bytes:
        """Return the whole state, for `from_snapshot`."""
        return self._s.dump_snapshot()

    @classmethod
    def from_snapshot(cls, data: bytes, parameters: InactivityParameters | None = None) -> InactivityDetector:
        """Rebuild a detector from `dump_snapshot`. Until its first sweep it accepts rows of any later time.

        Raises
        ------
        SnapshotRefused
            The bytes are damaged or of another version.

        """
        detector = cls(parameters)
        detector._s = HomeState.from_snapshot(data)
        return detector

    def list_deadlines(self) -> tuple[list[str], Floats]:
        """Return homes and the Unix time at which each raises an alert if its gap goes on; infinite where never."""
        return list(self._s.names), self._pending_deadlines(np.arange(self._s.size))

    # --- receiving -------------------------------------------------------------------------------------------------

    def _record_reception(self, rows: Rows) -> Floats:
        """Record that homes are received; return for each row since when its home is received without a break."""
        s = self._s
        before = rows.previous_s(s["last_seen_s"])
        beats = s["beats"][rows.home] | (rows.running_count(rows.is_beat) > 0)
        back = beats & (rows.at_s - before > self._p.heartbeat_gap_s) & np.isfinite(before)
        heard_from = rows.running_last(np.where(back, rows.at_s, -np.inf), s["heard_from_s"])
        last = rows.last
        home = rows.home[last]
        s["beats"][home] = beats[last]
        s["last_seen_s"][home] = np.maximum(s["last_seen_s"][home], rows.at_s[last])
        return heard_from

    def _restart_gaps(self, home: Ints, from_s: Floats) -> None:
        """Restart the gaps of homes that are received without a break only since `from_s`, where that is new."""
        s = self._s
        news = from_s > s["heard_from_s"][home]
        home, from_s = home[news], from_s[news]
        s["heard_from_s"][home] = from_s
        s["deadline_s"][home] = np.nan
        s["hold_s"][home] = -np.inf
        self._schedule(home)

    def _process_activity(self, rows: Rows, heard_from: Floats) -> None:
        """Process signs of life gap by gap: each long gap ends with the state of its beginning."""
        s = self._s
        keep = ~rows.is_beat & (rows.at_s > s["last_life_s"][rows.home])
        life, heard_from = rows.select_rows(keep), heard_from[keep]
        believed = credible_rows(s, life)
        if not believed.all():
            life, heard_from = life.select_rows(believed), heard_from[believed]
        if not len(life.home):
            return
        before = life.previous_s(s["last_life_s"])
        part = life.running_count(life.at_s - before >= durations.MIN_GAP_S)
        for number in range(int(part.max()) + 1):
            chosen = part == number
            piece = life.select_rows(chosen)
            if number:
                self._end_gaps(piece, heard_from[chosen][piece.first])
                self._learn_gaps(piece, heard_from[chosen])
            self._record_activity(piece)

    def _end_gaps(self, piece: Rows, heard_from: Floats) -> None:
        """End a gap with each home's first row, also where its deadline was pending and no sweep came in time.

        The result then does not depend on how the stream is cut into batches, or on how often homes are swept.
        """
        s = self._s
        home = piece.home[piece.first]
        self._restart_gaps(home, heard_from)
        lasted = piece.at_s[piece.first] - self._gap_start(home)
        pending = (lasted >= durations.MIN_GAP_S) & np.isfinite(s["last_life_s"][home])
        if math.isfinite(s.until_s):
            self._set_deadlines(home[pending & np.isnan(s["deadline_s"][home])])
        s["hold_s"][home] = np.where(pending, np.fmax(s["deadline_s"][home], s["hold_s"][home]), s["hold_s"][home])

    def _record_activity(self, piece: Rows) -> None:
        """Make these rows the last signs of life."""
        s = self._s
        last = piece.last
        home, at_s = piece.home[last], piece.at_s[last]
        stayed = piece.all_per_home(piece.room == s["last_room"][piece.home])[last]
        s["hold_s"][home[~stayed]] = -np.inf
        s["deadline_s"][home] = s["tail_s"][home] = np.nan
        s["tail_share"][home] = 0.0
        s["away"][home] = AT_HOME
        record_activity(s, piece, piece.at_s + s["offset_s"][piece.home])
        inside = ~self._at_exit(home) & (at_s > s["absent_from_s"][home] + self._p.returned_early_s)
        back = home[inside & (at_s < s["absent_until_s"][home])]
        s["absent_until_s"][back] = s["last_life_s"][back]
        self._schedule(home)

    def _learn_gaps(self, piece: Rows, heard_from: Floats) -> None:
        """Learn from the long gap that each home's first row ends."""
        s = self._s
        first = piece.first
        home, ended = piece.home[first], piece.at_s[first]
        began = s["last_life_s"][home]
        lived = np.isfinite(began)
        lost = np.maximum(s["taint_until_s"][home], heard_from[first])
        covered = (s["absent_from_s"][home] < ended) & (s["absent_until_s"][home] > began)
        covered |= (s["outage_from_s"][home] < ended) & (s["outage_until_s"][home] > began)
        clean = lived & (lost <= began) & ~covered & (ended - began <= self._p.learn_until_s)
        learn_gap(s, home[clean], began[clean], ended[clean])
        record_rest_end(s, home[lived], began[lived], ended[lived])

    # --- deciding --------------------------------------------------------------------------------------------------

    def _expire_intervals(self, rows: Ints, now_s: float) -> None:
        """End absences and outages that are over at `now_s`, and set the deadlines that are due."""
        s = self._s
        for kind in ("absent", "outage"):
            over = rows[(s[f"{kind}_until_s"][rows] <= now_s) & np.isfinite(s[f"{kind}_from_s"][rows])]
            if kind == "absent":
                s["away"][over[s["absent_until_s"][over] > s["last_life_s"][over]]] = NOT_BACK
            s["heard_from_s"][over] = np.maximum(s["heard_from_s"][over], s[f"{kind}_until_s"][over])
            s[f"{kind}_from_s"][over] = s[f"{kind}_until_s"][over] = np.inf
            s["deadline_s"][over] = np.nan
        wanted = np.isnan(s["deadline_s"][rows]) & np.isfinite(s["last_life_s"][rows])
        self._set_deadlines(rows[wanted & (self._gap_start(rows) <= now_s - durations.MIN_GAP_S)])

    def _set_deadlines(self, rows: Ints) -> None:
        """Set the deadlines of the current gaps of these homes."""
        if not len(rows):
            return
        s, forecast = self._s, self._forecast_current(rows)
        s["deadline_s"][rows] = self._compute_deadlines(rows, forecast)
        s["away"][rows] = np.where(s["away"][rows] == NOT_BACK, NOT_BACK, np.where(forecast.away, AWAY, AT_HOME))
        tail_s, s["tail_share"][rows] = forecast.tail_interval()
        s["tail_s"][rows] = self._gap_start(rows) + tail_s

    def _schedule(self, rows: Ints) -> None:
        """Set when these homes are next due; a deadline that passed while unseen is due at every sweep."""
        s = self._s
        deadline, last = s["deadline_s"][rows], s["last_life_s"][rows]
        set_at = np.where(np.isfinite(last), self._gap_start(rows) + durations.MIN_GAP_S, np.inf)
        due = np.where(s["raised_for_s"][rows] == last, np.inf, deadline)
        until = np.minimum(s["absent_until_s"][rows], s["outage_until_s"][rows])
        s["next_s"][rows] = np.minimum(np.where(np.isnan(deadline), set_at, due), until)

    def _pending_deadlines(self, rows: Ints) -> Floats:
        """Deadlines of these homes, computed where they are not set yet; nothing is stored."""
        known: Floats = self._s["deadline_s"][rows].copy()
        lived = np.isfinite(self._s["last_life_s"][rows])
        known[~lived] = np.inf
        wanted = np.isnan(known) & lived
        known[wanted] = self._compute_deadlines(rows[wanted], self._forecast_current(rows[wanted]))
        return known

    def _compute_deadlines(self, rows: Ints, forecast: SurvivalForecast) -> Floats:
        """Unix time at which the current gap of each home is worth a call."""
        s = self._s
        silent_from = self._gap_start(rows)
        target = s["false_alert_target"][rows].astype(np.float64)
        factor = tail_calibration_of(s["excess"][rows], s["expected"][rows]) * false_alert_budget.new_home_factor(
            s, rows
        )
        factor *= false_alert_budget.cost_factor(false_alert_budget.recent_false_alerts(s, rows, silent_from), target)
        cost_h = self._loaded_model().false_alert_cost_h(target, factor)
        chosen = np.fmax(silent_from + forecast.least_cost_s(cost_h), s["hold_s"][rows])
        deadline: Floats = np.minimum(chosen, silent_from + self._p.limit_s(s["last_room"][rows], self._at_exit(rows)))
        return deadline

    def _forecast_current(self, rows: Ints) -> SurvivalForecast:
        """Forecast of the current gaps of these homes, each with a sign of life."""
        return self._loaded_model().forecast_gaps(self._s, rows, self._gap_start(rows))

    def _loaded_model(self) -> InactivityModel:
        self._model = self._model or InactivityModel.load_stored()
        return self._model

    def _at_exit(self, rows: Ints) -> NDArray[np.bool_]:
        return is_exit(self._s["last_kind"][rows], self._s["last_room"][rows])

    def _gap_start(self, rows: Ints) -> Floats:
        """Start of the gap: the last sign of life, or since when the home is received again."""
        since: Floats = np.maximum(self._s["last_life_s"][rows], self._s["heard_from_s"][rows])
        return since

    def _offline_or_absent(self, rows: Ints, now_s: float) -> NDArray[np.bool_]:
        """Homes that cannot be judged now: offline, in an outage, or announced as absent."""
        s = self._s
        offline = s["beats"][rows] & (s["last_seen_s"][rows] < now_s - self._p.heartbeat_gap_s)
        offline |= (s["outage_from_s"][rows] <= now_s) & (s["outage_until_s"][rows] > now_s)
        away: NDArray[np.bool_] = (s["absent_from_s"][rows] <= now_s) & (s["absent_until_s"][rows] > now_s)
        return offline | away

    # --- explaining ------------------------------------------------------------------------------------------------

    def _estimate_presence(self, row: int, now_s: float) -> str:
        return presence_of(self._s, row, now_s, unseen=bool(self._offline_or_absent(np.array([row]), now_s)[0]))

    def _explain_row(self, row: int, now_s: float, forecast: SurvivalForecast) -> Explanation:
        one = np.array([row])
        last = float(self._s["last_life_s"][row])
        silent = max(now_s - float(self._gap_start(one)[0]), 0.0)
        usual = tuple(float(min(forecast.tail_s(share)[0], USUAL_MOST_S)) for share in (0.5, 0.05))
        facts = self._collect_facts(row, now_s, usual[1])
        return Explanation(
            self._s.names[row],
            facts.room,
            last,
            max(now_s - last, 0.0),
            (usual[0], usual[1]),
            float(self._pending_deadlines(one)[0]),
            self._estimate_presence(row, now_s),
            float(forecast.survival_at(np.array([silent]))[0]),
            silence(facts),
        )

    def _collect_facts(self, row: int, now_s: float, usual_s: float) -> SilenceFacts:
        s = self._s
        one = np.array([row])
        at_exit = self._at_exit(one)
        rule = float(self._p.limit_s(s["last_room"][one], at_exit)[0])
        ruled = float(s["deadline_s"][row]) <= now_s and now_s >= float(self._gap_start(one)[0]) + rule
        last, left = float(s["last_life_s"][row]), float(s["last_exit_s"][row])
        due_back = float(s["heard_from_s"][row]) if s["away"][row] == NOT_BACK else math.nan
        room, limit = ROOMS[int(s["last_room"][row])], rule if ruled else math.nan
        return SilenceFacts(room, last, now_s - last, usual_s, bool(at_exit[0]), left, limit, due_back)

    def _make_signal(self, row: int, now_s: float, forecast: SurvivalForecast) -> InactivitySignal:
        kind = INACTIVITY if self._s["away"][row] == AT_HOME else AWAY_LONG
        return InactivitySignal.from_explanation(kind, self._explain_row(row, now_s, forecast), now_s)
