"""Fall detection for many wearers, with one batched classification per step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.classifier import FallClassifier
from anju_detect.fall.detector import FallDetector, ImpactCandidate
from anju_detect.fall.model import FallModel
from anju_detect.fall.parameters import FallParameters
from anju_detect.fall.signals import FallSignal


class WornChunk(NamedTuple):
    """The next samples of one wearer; arguments of `FallDetector.process_samples`."""

    wearer: str
    start_s: float
    samples: NDArray[np.int16]


class _PendingChunk(NamedTuple):
    wearer: str
    detector: FallDetector
    due: list[ImpactCandidate]


class FallFleet:
    """Runs a `FallDetector` per wearer; batched classification costs a tenth of single ones."""

    def __init__(self, classifier: FallClassifier | None = None) -> None:
        self._classifier = classifier or FallModel.load_stored()
        self.detectors: dict[str, FallDetector] = {}

    def add_wearer(
        self,
        wearer: str,
        fs_hz: float,
        position: str = "waist",
        clip_g: float = 16.0,
        parameters: FallParameters | None = None,
    ) -> None:
        """Start a detector for a wearer, replacing one of that name; arguments and errors of `FallDetector`."""
        self.detectors[wearer] = FallDetector(fs_hz, position, clip_g, parameters, classifier=self._classifier)

    def process_chunks(self, chunks: Sequence[WornChunk]) -> list[tuple[str, FallSignal]]:
        """Process chunks of several wearers; return (wearer, signal) pairs, by decision time within each wearer.

        Raises
        ------
        SamplesRefused
            One chunk is malformed; none was processed.
        KeyError
            A wearer was not added; none was processed.

        """
        lists = [
            (chunk.wearer, self.detectors[chunk.wearer].split_chunk(chunk.start_s, chunk.samples)) for chunk in chunks
        ]
        signals: list[tuple[str, FallSignal]] = []
        for step in range(max((len(pieces) for _, pieces in lists), default=0)):
            pending = []
            for wearer, pieces in lists:
                if step < len(pieces):
                    detector = self.detectors[wearer]
                    pending.append(_PendingChunk(wearer, detector, detector.append_samples(*pieces[step])))
            signals += self._classify_together(pending)
        return signals

    def _classify_together(self, pending: list[_PendingChunk]) -> list[tuple[str, FallSignal]]:
        """Classify the candidates of each group together, and give each detector its scores."""
        windows: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        for _, detector, due in pending:
            windows[detector.group] += [one.window for one in due]
        scores = {
            group: self._classifier.score_windows(np.stack(some), group) for group, some in windows.items() if some
        }
        taken = dict.fromkeys(scores, 0)
        signals: list[tuple[str, FallSignal]] = []
        for wearer, detector, due in pending:
            mine = np.zeros(0)
            if due:
                start = taken[detector.group]
                taken[detector.group] += len(due)
                mine = scores[detector.group][start : start + len(due)]
            signals += [(wearer, signal) for signal in detector.apply_scores(due, mine)]
        return signals
