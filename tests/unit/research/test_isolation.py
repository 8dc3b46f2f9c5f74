"""The floods and figures of `anju bench isolation`."""

from __future__ import annotations

from collections import Counter

from anju_research.bench.isolation import flood_messages, isolation_figures


def test_floods_come_from_each_home_in_turn_in_every_kind() -> None:
    made = list(flood_messages(3, 24, 1.0e9))
    assert Counter(topic.split("/")[3] for topic, _ in made) == dict.fromkeys(["home-01", "home-02", "home-03"], 8)
    assert Counter(topic.rpartition("/")[2] for topic, _ in made) == {"alarm": 12, "telemetry": 12}
    assert sum(b"invented-" in payload for _, payload in made) == 6
    assert sum(not payload.endswith(b"}") for _, payload in made) == 6


def test_the_ratio_is_to_the_idle_phase_of_the_run_and_what_is_missing_counts() -> None:
    figures = {one.name: one for one in isolation_figures([0.01] * 10, [0.015] * 9, 10)}
    assert round(figures["beside floods: p99 to idle p99"].measured, 3) == 1.5
    assert figures["beside floods: p99 to idle p99"].reached
    assert (figures["not stored"].measured, figures["not stored"].reached) == (1, False)
    assert not {one.name: one for one in isolation_figures([0.01], [0.021], 1)}[
        "beside floods: p99 to idle p99"
    ].reached
