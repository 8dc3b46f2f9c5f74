"""Many wearers at once: a detector each, and one judgement for all candidates of a step."""

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
    """The next samples of one wearer, as `FallDetector.update` takes them."""

    wearer: str
    start_s: float
    samples: NDArray[np.int16]


class _PendingChunk(NamedTuple):
    wearer: str
    detector: FallDetector
    due: list[ImpactCandidate]


class FallFleet:
    """What `FallDetector` says of each wearer; a judgement costs a tenth where many are made together."""

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
        """Begin to listen to a wearer, afresh if there is one of that name; arguments and errors of `FallDetector`."""
        self.detectors[wearer] = FallDetector(fs_hz, position, clip_g, parameters, classifier=self._classifier)

    def remove_wearer(self, wearer: str) -> None:
        """Forget a wearer; KeyError if there is none of that name."""
        del self.detectors[wearer]

    def process_chunks(self, chunks: Sequence[WornChunk]) -> list[tuple[str, FallSignal]]:
        """Take the next samples of some wearers; what they decided, for each wearer in order of decision time.

        Raises
        ------
        SamplesRefused
            One chunk is none; nothing was taken of any.
        KeyError
            A wearer was not added; nothing was taken of any.

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
        """Judge by group, and hand each detector its scores."""
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
