"""The streaming fall detector of one wearer."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ParameterOutOfRange, SamplesRefused
from anju_detect.fall.classifier import FallClassifier, describe_impact, resample_to_grid
from anju_detect.fall.clock import StreamClock
from anju_detect.fall.features import AFTER_S, BEFORE_S
from anju_detect.fall.followup import TRUNK, OpenFall
from anju_detect.fall.model import FallModel, group_of
from anju_detect.fall.parameters import FallParameters
from anju_detect.fall.reasons import impact_and_tilt
from anju_detect.fall.ring import SampleRing
from anju_detect.fall.signals import CANCELLED, CONFIRMED, SUSPECTED, FallSignal, Judgement

POSITIONS = ("waist", "wrist", "pendant", "hip", "chest", "pocket")
CLIP_BEFORE_S, CLIP_AFTER_S = 4.0, 8.0
CLIPS_KEPT = 8
CANCELLABLE_S = 600.0
PIECE_S = 30.0
SLACK_S = 5.0


@dataclass(frozen=True, slots=True)
class ImpactCandidate:
    """An impact whose window is complete: its time, the time of the last sample of the window, the window in g."""

    impact_s: float
    at_s: float
    window: NDArray[np.float64]


class FallDetector:
    """Causal fall detector for one wearer; takes chunks in order of time.

    Results do not depend on how the stream is cut into chunks: `FallSignal.at_s` is the time of the newest sample that
    a decision needed. Known samples are dropped, so repeated and overlapping chunks are harmless. When the sender's
    clock is set, detection continues (`StreamClock`), and times in signals follow the sender's new clock.

    Parameters
    ----------
    fs_hz
        Sampling rate, 20 … 200 Hz.
    position
        Where it is worn, one of `POSITIONS`.
    clip_g
        Range of the sensor, g.
    classifier
        Scores the candidates; the stored model if None.

    Raises
    ------
    ParameterOutOfRange
        One of these lies outside its range.

    """

    def __init__(
        self,
        fs_hz: float,
        position: str = "waist",
        clip_g: float = 16.0,
        parameters: FallParameters | None = None,
        *,
        classifier: FallClassifier | None = None,
    ) -> None:
        if not 20.0 <= fs_hz <= 200.0:  # noqa: PLR2004
            raise ParameterOutOfRange("fs_hz", fs_hz, "20 … 200 Hz")
        if position not in POSITIONS:
            raise ParameterOutOfRange("position", position, f"one of {', '.join(POSITIONS)}")
        if not 1.9 <= clip_g <= 32.0:  # noqa: PLR2004
            raise ParameterOutOfRange("clip_g", clip_g, "1.9 … 32 g")
        self.fs_hz, self.position, self.group = fs_hz, position, group_of(position, clip_g)
        self._parameters = p = parameters or FallParameters()
        self._classifier = classifier or FallModel.load_stored()
        self._threshold = self._classifier.threshold_of(self.group) if p.threshold is None else p.threshold
        self._trigger = (p.trigger_g * 1000.0) ** 2
        seconds = p.decide_s + CLIP_BEFORE_S + PIECE_S + SLACK_S
        self._ring = SampleRing(math.ceil(seconds * fs_hz))
        self._clock = StreamClock(fs_hz)
        self._piece = int(PIECE_S * fs_hz)
        self._offsets = np.arange(self._piece) / fs_hz
        self._hot: deque[int] = deque()
        self._waiting: deque[float] = deque()
        self._falls: deque[OpenFall] = deque(maxlen=CLIPS_KEPT)
        self._clips: dict[str, tuple[float, NDArray[np.int16]]] = {}
        self.judged: deque[Judgement] = deque(maxlen=256)

    @property
    def ahead_s(self) -> float:
        """By how much the sender's clock was set back while the stream continued, seconds."""
        return self._clock.ahead_s

    def process_samples(self, start_s: float, samples: NDArray[np.int16]) -> list[FallSignal]:
        """Process the next samples; return the signals in order of decision time.

        Parameters
        ----------
        start_s
            Unix seconds of the first sample. Gaps since the last chunk are allowed.
        samples
            Milli-g with gravity, int16 of shape (n, 3); axes in any fixed orientation.

        Raises
        ------
        SamplesRefused
            Wrong shape or type, or a time that is not finite; no sample was processed.

        """
        signals: list[FallSignal] = []
        for at_s, piece in self.split_chunk(start_s, samples):
            due = self.append_samples(at_s, piece)
            scores = (
                self._classifier.score_windows(np.stack([one.window for one in due]), self.group)
                if due
                else np.zeros(0)
            )
            signals += self.apply_scores(due, scores)
        return signals

    def split_chunk(self, start_s: float, samples: NDArray[np.int16]) -> list[tuple[float, NDArray[np.int16]]]:
        """Split a chunk into pieces for `append_samples`, each with the time of its first sample.

        Raises
        ------
        SamplesRefused
            As `process_samples`.

        """
        if not isinstance(samples, np.ndarray) or samples.ndim != 2 or samples.shape[1] != 3:  # noqa: PLR2004
            raise SamplesRefused(f"samples must have the shape (n, 3), not {getattr(samples, 'shape', type(samples))}")
        if samples.dtype != np.int16:
            raise SamplesRefused(f"samples must be int16 milli-g, not {samples.dtype}")
        if not math.isfinite(start_s):
            raise SamplesRefused(f"start_s must be a finite time, not {start_s}")
        starts = range(0, len(samples), self._piece)
        return [(start_s + lo / self.fs_hz, samples[lo : lo + self._piece]) for lo in starts]

    def cancel_falls(self, now_s: float) -> list[FallSignal]:
        """Cancel suspected falls and those of the last ten minutes, because the wearer held the button."""
        if not math.isfinite(now_s):
            raise SamplesRefused(f"now_s must be a finite time, not {now_s}")
        live = {SUSPECTED, CONFIRMED}
        return [
            f.cancel_by_wearer(now_s)
            for f in self._falls
            if f.stage in live and now_s - f.sender_impact_s <= CANCELLABLE_S
        ]

    def copy_waveform(self, fall_id: str) -> tuple[float, NDArray[np.int16]] | None:
        """Return the waveform −4 … +8 s around an impact: Unix time of its start, samples of shape (n, 3).

        None for a fall that is not among the last eight. Samples on both sides of a gap are concatenated.
        """
        for fall in self._falls:
            if fall.fall_id == fall_id:
                self._keep_clip(fall)
                break
        return self._clips.get(fall_id)

    def append_samples(self, start_s: float, samples: NDArray[np.int16]) -> list[ImpactCandidate]:
        """Store one piece of a chunk; return the candidates that are due for classification, in order of time."""
        times = self._clock.to_stream_time(start_s + self._offsets[: len(samples)], samples, self._ring)
        newest = self._ring.newest_s
        if times[0] <= newest:
            fresh = int(np.searchsorted(times, newest, "right"))
            times, samples = times[fresh:], samples[fresh:]
        if not len(samples):
            return []
        wide = samples.astype(np.int32)
        power = np.einsum("ij,ij->i", wide, wide)
        number = self._ring.end
        self._ring.append(times, samples, power)
        if power.max() > self._trigger:
            self._hot.extend((_local_maxima(power, self._trigger) + number).tolist())
        if not (self._hot or self._waiting):
            return []
        self._find_candidates()
        return self._due()

    def apply_scores(self, due: list[ImpactCandidate], scores: NDArray[np.float64]) -> list[FallSignal]:
        """Decide on classified candidates and follow up earlier falls; return the signals."""
        signals = [
            raised for one, score in zip(due, scores.tolist(), strict=True) if (raised := self._judged(one, score))
        ]
        open_falls = [fall for fall in self._falls if fall.stage == SUSPECTED]
        followed = [fall.advance_seconds(self._ring, self._parameters, self.ahead_s) for fall in open_falls]
        signals += [decided for decided in followed if decided]
        if self._falls:
            self._store_clips()
        return sorted(signals, key=lambda s: s.at_s)

    def _find_candidates(self) -> None:
        """Move samples above the trigger that are the largest within the isolation time to the candidates."""
        reach = self._parameters.isolation_s
        while self._hot:
            at = self._ring.time_of(self._hot[0])
            if at + reach > self._ring.newest_s:
                return
            if self._ring.is_largest(self._hot.popleft(), reach):
                self._waiting.append(at)

    def _due(self) -> list[ImpactCandidate]:
        """Candidates whose window is complete."""
        due = []
        while self._waiting and self._ring.newest_s >= self._waiting[0] + AFTER_S:
            impact = self._waiting.popleft()
            at = impact + AFTER_S
            due.append(
                ImpactCandidate(
                    impact, at, resample_to_grid(*self._ring.samples_between(impact - BEFORE_S, at), impact)
                )
            )
        return due

    def _judged(self, one: ImpactCandidate, score: float) -> FallSignal | None:
        last = self._falls[-1].impact_s if self._falls else -math.inf
        raised = score >= self._threshold and one.impact_s - last > self._parameters.refractory_s
        ahead = self.ahead_s
        self.judged.append(Judgement(one.impact_s - ahead, one.at_s - ahead, score, raised))
        if not raised:
            return None
        seen = describe_impact(one.window)
        fall = OpenFall(one.impact_s, one.impact_s - ahead, score, self.position in TRUNK)
        self._falls.append(fall)
        return fall.make_signal(one.at_s - ahead, impact_and_tilt(seen.peak_g, seen.tilt_deg, seen.moving_share))

    def _store_clips(self) -> None:
        for fall in self._falls:
            kept = self._clips.get(fall.fall_id)
            if kept is None or (
                self._ring.newest_s <= fall.impact_s + CLIP_AFTER_S + PIECE_S and fall.stage != CANCELLED
            ):
                self._keep_clip(fall)
        while len(self._clips) > CLIPS_KEPT:
            del self._clips[next(iter(self._clips))]

    def _keep_clip(self, fall: OpenFall) -> None:
        times, samples = self._ring.samples_between(fall.impact_s - CLIP_BEFORE_S, fall.impact_s + CLIP_AFTER_S)
        kept = self._clips.get(fall.fall_id)
        if len(times) and (kept is None or len(samples) > len(kept[1])):
            self._clips[fall.fall_id] = (float(times[0]) - fall.impact_s + fall.sender_impact_s, samples.copy())


def _local_maxima(power: NDArray[np.int32], above: float) -> NDArray[np.int64]:
    """Indices of samples above the trigger that are local maxima, the first of equal ones; edges count."""
    crest = power > above
    crest[1:] &= power[1:] > power[:-1]
    crest[:-1] &= power[:-1] >= power[1:]
    return np.flatnonzero(crest)
