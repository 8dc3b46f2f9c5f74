"""The inactivity detector: what it raises, explains, learns and is told; and what must hold for any home."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, HOUR, START, batch, beats, days_of_life, watch
from hypothesis import given, settings
from hypothesis import strategies as st

from anju_detect.errors import (
    BatchRefused,
    HomeNotAdded,
    OutcomeUnknown,
    ParameterOutOfRange,
    SnapshotRefused,
)
from anju_detect.inactivity import (
    MEASURED_OUTCOMES,
    OUTCOMES,
    InactivityDetector,
    InactivityParameters,
    expected_outcome,
    false_alert_budget,
)
from anju_detect.inactivity.state import COLUMNS, HomeState

_LIVED: dict[int, bytes] = {}  # days are lived once, and copied by snapshot
ROOMS = ("living", "bedroom", "kitchen", "bathroom", "hall", "other")
TARGETS = st.tuples(st.floats(0.01, 100.0), st.floats(0.01, 100.0))


def _home(*, days: int = 4, target: float = 1.0, parameters: InactivityParameters | None = None) -> InactivityDetector:
    if days not in _LIVED:
        lived = InactivityDetector()
        lived.add_home("a", utc_offset_s=0.0)
        watch(lived, days_of_life(0, days), START + days * DAY)
        _LIVED[days] = lived.dump_snapshot()
    detector = InactivityDetector.from_snapshot(_LIVED[days], parameters)
    detector.add_home("a", false_alerts_per_month=target, utc_offset_s=0.0)
    detector.sweep_homes(START + days * DAY)
    return detector


def _after(detector: InactivityDetector, at: float, room: str, kind: str = "motion") -> float:
    """Deadline of the silence after this sign of life."""
    detector.process_batch(batch([(0, at, room, kind)]))
    return float(detector.list_deadlines()[1][0])


class TestSaying:
    def test_the_reason_holds_room_clock_length_usual_and_door(self) -> None:
        detector = _home()
        door = START + 4 * DAY + 9 * HOUR
        detector.process_batch(batch([(0, door, "entrance", "door")]))
        detector.process_batch(batch([(0, door + 1800 + 60 * n, "living", "motion") for n in range(30)]))
        told = detector.explain_home("a", door + 1800 + 29 * 60 + 5 * HOUR + 600)
        assert told.last_room == "living"
        assert told.reason.code == "silence"
        assert told.reason.facts == {
            "room": "living",
            "last_life_s": told.last_life_s,
            "silent_s": 5 * HOUR + 600,
            "usual_s": told.usual_s[1],
            "at_exit": False,
            "last_exit_s": door,
            "limit_s": None,
            "due_back_s": None,
        }
        assert told.silent_s == 5 * HOUR + 600
        assert told.usual_s[0] <= told.usual_s[1]
        assert 0.0 <= told.p_innocent < 0.2

    def test_the_alert_carries_its_episode_its_deadline_and_a_score(self) -> None:
        detector = _home()
        last = START + 4 * DAY + 11 * HOUR
        detector.process_batch(batch([(0, last - 60 * n, "kitchen", "motion") for n in range(60)]))
        deadline = float(detector.list_deadlines()[1][0])
        detector.process_batch(batch(beats(0, last, deadline + HOUR)))
        assert detector.sweep_homes(deadline - 1.0) == []
        (signal,) = detector.sweep_homes(deadline)
        assert (signal.episode, signal.since_s, signal.deadline_s) == (str(int(last * 1000)), last, deadline)
        assert (signal.kind, signal.room, signal.home) == ("inactivity", "kitchen", "a")
        assert signal.score == pytest.approx(1.0 - detector.explain_home("a", deadline).p_innocent)
        assert detector.sweep_homes(deadline + 60) == []

    def test_a_rule_that_sets_the_deadline_is_named(self) -> None:
        detector = _home(target=0.05, parameters=InactivityParameters.district_rules())
        last = START + 4 * DAY + 11 * HOUR
        deadline = _after(detector, last, "bathroom")
        assert deadline == last + 4.5 * HOUR
        detector.process_batch(batch(beats(0, last, deadline + HOUR)))
        (signal,) = detector.sweep_homes(deadline)
        assert signal.reason.facts["limit_s"] == 4.5 * HOUR

    def test_a_day_after_an_exit_is_told_as_such(self) -> None:
        detector = _home()
        left = START + 4 * DAY + 10 * HOUR
        detector.process_batch(batch([(0, left, "entrance", "door")]))
        detector.process_batch(batch(beats(0, left, left + 20 * HOUR)))
        detector.sweep_homes(left + 20 * HOUR)
        detector.process_batch(batch(beats(0, left + 21 * HOUR, left + 26 * HOUR)))
        told = detector.explain_home("a", left + 26 * HOUR)
        assert told.presence == "away"
        assert told.reason.facts["at_exit"] is True
        assert told.reason.facts["silent_s"] == 26 * HOUR

    @pytest.mark.parametrize(
        ("room", "hour", "wanted"), [("bedroom", 23.0, "asleep"), ("kitchen", 12.0, "home"), ("bedroom", 15.0, "home")]
    )
    def test_presence(self, room: str, hour: float, wanted: str) -> None:
        detector = _home()
        at = START + 4 * DAY + hour * HOUR
        detector.process_batch(batch([(0, at, room, "motion")]))
        assert detector.explain_home("a", at + 1200).presence == wanted


class TestBeingTold:
    def test_an_announced_absence_raises_nothing_and_is_not_learnt(self) -> None:
        detector = _home()
        left = START + 4 * DAY + 9 * HOUR
        detector.process_batch(batch([(0, left, "hall", "motion")]))
        detector.set_absence("a", left, left + 2 * DAY)
        counted = detector.state["gap_count"].sum()
        assert detector.explain_home("a", left + DAY).presence == "absent"
        assert watch(detector, beats(0, left, left + 2 * DAY), left + 2 * DAY - 600) == []
        detector.process_batch(batch([(0, left + 2 * DAY + 60, "hall", "motion")]))
        assert detector.state["gap_count"].sum() == counted

    def test_an_absence_that_is_over_starts_the_clock_again(self) -> None:
        detector = _home()
        left = START + 4 * DAY + 9 * HOUR
        detector.process_batch(batch([(0, left, "hall", "motion")]))
        detector.set_absence("a", left, left + 6 * HOUR)
        raised = watch(detector, beats(0, left, left + 40 * HOUR), left + 40 * HOUR)
        ((_, kind, at_s),) = raised
        assert (kind, at_s > left + 6 * HOUR) == ("away_long", True)
        told = detector.explain_home("a", at_s)
        assert told.reason.facts["due_back_s"] == left + 6 * HOUR
        assert false_alert_budget.recent_false_alerts(detector.state, np.array([0]), at_s)[0] == 0.0

    def test_who_came_back_is_not_away(self) -> None:
        detector = _home()
        left = START + 4 * DAY + 9 * HOUR
        detector.set_absence("a", left, left + 6 * HOUR)
        back = left + 6 * HOUR + 300
        heard = beats(0, left, back + 40 * HOUR)
        raised = watch(detector, [*heard, (0, back, "hall", "motion")], back + 40 * HOUR)
        assert [kind for _, kind, _ in raised] == ["inactivity"]
        assert detector.explain_home("a", back + 30 * HOUR).reason.facts["due_back_s"] is None

    def test_coming_home_early_ends_the_absence(self) -> None:
        detector = _home()
        left = START + 4 * DAY + 9 * HOUR
        detector.set_absence("a", left, left + 3 * DAY)
        detector.process_batch(batch([(0, left + 60, "hall", "motion")]))
        assert detector.explain_home("a", left + 120).presence == "absent"
        back = left + 5 * HOUR
        detector.process_batch(batch([(0, back, "entrance", "door"), (0, back + 30, "hall", "motion")]))
        raised = watch(detector, beats(0, left, back + 30 * HOUR), back + 30 * HOUR)
        assert len(raised) == 1

    def test_an_announced_outage_means_offline_until_it_ends(self) -> None:
        detector = _home()
        last = START + 4 * DAY + 9 * HOUR
        detector.process_batch(batch([(0, last, "living", "motion")]))
        detector.set_outage("a", last + 60, None)
        assert watch(detector, beats(0, last, last + 30 * HOUR), last + 30 * HOUR) == []
        assert detector.explain_home("a", last + HOUR).presence == "offline"
        detector.set_outage("a", last + 60, last + 31 * HOUR)
        raised = watch(detector, beats(0, last + 30 * HOUR, last + 70 * HOUR), last + 70 * HOUR)
        assert len(raised) == 1
        assert raised[0][2] > last + 31 * HOUR

    def test_without_heartbeats_for_long_a_home_is_offline_not_inactive(self) -> None:
        detector = _home()
        end = START + 4 * DAY
        assert detector.sweep_homes(end + 20 * HOUR) == []
        assert detector.explain_home("a", end + 20 * HOUR).presence == "offline"

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_only_innocent_silences_teach(self, outcome: str) -> None:
        detector = _home()
        last = START + 4 * DAY + 9 * HOUR
        detector.process_batch(batch([(0, last, "living", "motion")]))
        before = float(detector.state["gap_count"].sum())
        detector.process_batch(batch(beats(0, last, last + 6 * HOUR)))
        detector.record_outcome("a", outcome, last + 5 * HOUR)
        detector.process_batch(batch([(0, last + 6 * HOUR, "living", "motion")]))
        taught = outcome in {"false", "false_alarm"}
        assert float(detector.state["gap_count"].sum()) - before == pytest.approx(1.0 if taught else 0.0, abs=0.01)

    def test_refusals_are_nouns_with_facts(self) -> None:
        detector = _home(days=1)
        with pytest.raises(HomeNotAdded) as unknown:
            detector.explain_home("nobody", START)
        assert unknown.value.home == "nobody"
        with pytest.raises(OutcomeUnknown):
            detector.record_outcome("a", "perhaps", START)
        with pytest.raises(BatchRefused):
            detector.set_absence("a", START, START)
        for wrong in (0.0, 1000.0, float("nan")):
            with pytest.raises(ParameterOutOfRange):
                detector.add_home("b", false_alerts_per_month=wrong)
        with pytest.raises(ParameterOutOfRange):
            detector.add_home("b", utc_offset_s=1e6)
        with pytest.raises(ParameterOutOfRange):
            InactivityDetector(capacity=0)
        with pytest.raises(ParameterOutOfRange):
            InactivityParameters(bathroom_s=1.0)

    def test_adding_a_home_twice_gives_the_same_row_and_the_new_target(self) -> None:
        detector = InactivityDetector(capacity=1)
        rows = [detector.add_home(name) for name in ("a", "b", "c", "a")]
        assert rows == [0, 1, 2, 0]
        detector.add_home("a", false_alerts_per_month=7.0)
        assert detector.state["false_alert_target"].tolist() == [7.0, 1.0, 1.0]

    @pytest.mark.parametrize(("target", "sign"), [(8.0, -1), (0.3, 1)])
    def test_another_target_is_asked_about_a_silence_under_way(self, target: float, sign: int) -> None:
        fell_silent = START + 4 * DAY + 11 * HOUR
        detector, lived_so = _home(), _home(target=target)
        for one in (detector, lived_so):
            one.process_batch(batch([(0, fell_silent - 60 * n, "kitchen", "motion") for n in range(60)]))
            one.sweep_homes(fell_silent + HOUR)
        before = float(detector.list_deadlines()[1][0])
        detector.add_home("a", false_alerts_per_month=1.0, utc_offset_s=0.0)
        assert float(detector.state["deadline_s"][0]) == before
        detector.add_home("a", false_alerts_per_month=target, utc_offset_s=0.0)
        after = float(detector.list_deadlines()[1][0])
        assert (after - before) * sign > 0
        assert after == float(lived_so.list_deadlines()[1][0])
        detector.process_batch(batch(beats(0, fell_silent, after + HOUR)))
        assert detector.sweep_homes(after - 1.0) == []
        assert [signal.deadline_s for signal in detector.sweep_homes(after)] == [after]
        detector.add_home("a", false_alerts_per_month=2 * target, utc_offset_s=0.0)
        assert detector.sweep_homes(after + 60) == [], "one silence is told once, whatever the target is then"

    def test_what_a_target_may_bring_is_what_the_document_says(self) -> None:
        text = (Path(__file__).parents[3] / "docs" / "detection.md").read_text(encoding="utf-8")
        (table,) = re.findall(r"\| target \|.*?\n\n", text, flags=re.DOTALL)
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
        told = [(float(row[0]), float(row[1]), float(row[3]), float(row[4])) for row in rows]
        assert told == [(one.target, one.false, one.delay_h, one.night_h) for one in MEASURED_OUTCOMES]

    def test_between_two_targets_that_were_measured_lies_what_may_be_expected(self) -> None:
        assert [expected_outcome(one.target) for one in MEASURED_OUTCOMES] == list(MEASURED_OUTCOMES)
        between = expected_outcome(0.5)
        assert between is not None
        assert 8.6 < between.delay_h < 15.6
        assert 0.31 < between.false < 0.66
        assert (expected_outcome(0.29), expected_outcome(8.1)) == (None, None)
        for wrong in (0.0, -1.0, float("nan")):
            with pytest.raises(ParameterOutOfRange):
                expected_outcome(wrong)


class TestLearning:
    def test_a_home_that_is_often_silent_for_long_is_given_longer(self) -> None:
        deadlines = []
        for pauses in (False, True):
            detector = InactivityDetector()
            detector.add_home("a", utc_offset_s=0.0)
            rows = days_of_life(0, 20)
            if pauses:
                rows = [row for row in rows if row[3] == "heartbeat" or not 12 <= (row[1] - START) % DAY / HOUR < 17]
            watch(detector, rows, START + 20 * DAY)
            deadlines.append(_after(detector, START + 20 * DAY + 11.95 * HOUR, "living"))
        assert deadlines[1] > deadlines[0]

    def test_a_new_sensor_is_life_like_any_other(self) -> None:
        detector = _home()
        at = START + 4 * DAY + 10 * HOUR
        detector.process_batch(
            batch([(0, at, "other", "steps"), (0, at + 5, "other", "object"), (0, at + 9, "hall", "button")])
        )
        assert detector.explain_home("a", at + 10).last_life_s == at + 9

    def test_at_most_512_bytes_a_home(self) -> None:
        size = sum(np.dtype(kind).itemsize * int(np.prod(axes, initial=1)) for _, kind, _, axes in COLUMNS)
        assert size <= 512

    def test_a_snapshot_of_another_version_or_shape_is_refused(self) -> None:
        state = HomeState(1)
        state.add_home("a")
        whole = state.dump_snapshot()
        assert HomeState.from_snapshot(whole).names == ["a"]
        state.names.append("ghost")
        with pytest.raises(SnapshotRefused):
            HomeState.from_snapshot(state.dump_snapshot())

    def test_a_snapshot_from_before_columns_were_renamed_is_read(self) -> None:
        state = HomeState(1)
        state.add_home("a")
        state["false_alert_target"][0] = 3.0
        with np.load(io.BytesIO(state.dump_snapshot())) as archive:
            former = {HomeState.former_names.get(name, name): archive[name] for name in archive.files}
        assert "wish" in former
        out = io.BytesIO()
        np.savez_compressed(out, **former)
        assert HomeState.from_snapshot(out.getvalue())["false_alert_target"].tolist() == [3.0]


class TestInvariants:
    @settings(max_examples=20)
    @given(
        hour=st.floats(0.0, 23.9),
        room=st.sampled_from(ROOMS),
        more=st.lists(st.floats(0.26, 3.0), min_size=1, max_size=4),
    )
    def test_more_life_in_the_same_room_never_brings_a_pending_alert_forward(
        self, hour: float, room: str, more: list[float]
    ) -> None:
        detector = _home()
        at = START + 4 * DAY + hour * HOUR
        pending = _after(detector, at, room)
        for step in more:
            at += step * HOUR
            if watch(detector, beats(0, at - step * HOUR, at), at - 1.0) or at >= pending:
                return
            later = _after(detector, at, room)
            assert later >= pending
            pending = later

    @settings(max_examples=20)
    @given(
        hour=st.floats(0.0, 23.9),
        room=st.sampled_from(ROOMS),
        targets=TARGETS,
        raised=st.integers(0, 30),
        ago=st.floats(0.0, 60.0),
    )
    def test_a_higher_target_never_delays_after_the_same_alerts(
        self, hour: float, room: str, targets: tuple[float, float], raised: int, ago: float
    ) -> None:
        deadlines = []
        for target in sorted(targets):
            detector = _home(target=target)
            detector.state["false_count"][0] = 0.0  # what was due at once where the target was higher
            false_alert_budget.count_false_alerts(detector.state, np.array([0]), START + (4 - ago) * DAY, raised)
            deadlines.append(_after(detector, START + 4 * DAY + hour * HOUR, room))
        assert deadlines[1] <= deadlines[0]

    @settings(max_examples=20)
    @given(
        life=st.lists(st.tuples(st.floats(0.05, 9.0), st.sampled_from(ROOMS)), min_size=1, max_size=12),
        targets=TARGETS,
    )
    def test_over_a_whole_life_the_higher_target_alerts_first(
        self, life: list[tuple[float, str]], targets: tuple[float, float]
    ) -> None:
        cautious, eager = (_home(target=target) for target in sorted(targets))
        # The silence that is under way when they target may be due at once.
        at_once = [bool(np.isfinite(detector.state["raised_for_s"][0])) for detector in (cautious, eager)]
        assert at_once != [True, False]
        if at_once[1]:
            return
        at = START + 4 * DAY
        for hours, room in life:
            rows = [*beats(0, at, at + hours * HOUR), (0, at + hours * HOUR, room, "motion")]
            at += hours * HOUR
            later, sooner = (
                min((raised_s for _, _, raised_s in watch(detector, rows, at)), default=np.inf)
                for detector in (cautious, eager)
            )
            assert sooner <= later
            if sooner < np.inf:
                return
            assert eager.list_deadlines()[1][0] <= cautious.list_deadlines()[1][0]

    @settings(max_examples=20)
    @given(hour=st.floats(0.0, 23.9), room=st.sampled_from(ROOMS), target=st.floats(0.01, 100.0))
    def test_the_rules_always_hold(self, hour: float, room: str, target: float) -> None:
        detector = _home(parameters=InactivityParameters.district_rules())
        detector.add_home("a", false_alerts_per_month=target, utc_offset_s=0.0)
        at = START + 4 * DAY + hour * HOUR
        limit = 4.5 if room == "bathroom" else 12.0
        assert _after(detector, at, room) <= at + limit * HOUR

    @settings(max_examples=20)
    @given(cuts=st.lists(st.integers(1, 400), max_size=6), seed=st.integers(0, 99))
    def test_how_a_stream_is_cut_into_batches_does_not_matter(self, cuts: list[int], seed: int) -> None:
        rows = sorted(days_of_life(0, 2, seed), key=lambda row: row[1])
        whole = InactivityDetector()
        parts = InactivityDetector()
        for detector in (whole, parts):
            detector.add_home("a", utc_offset_s=0.0)
        whole.process_batch(batch(rows))
        edges = [0, *sorted({min(cut, len(rows)) for cut in cuts}), len(rows)]
        for lo, hi in itertools.pairwise(edges):
            parts.process_batch(batch(rows[lo:hi]))
        for name, kind, *_ in COLUMNS:
            precision = 1e-2 if kind is np.float16 else 1e-4
            np.testing.assert_allclose(whole.state[name], parts.state[name], rtol=precision, err_msg=name)
