"""What monitoring waits for before it believes a silence; seconds. All figures are ours."""

from __future__ import annotations

from dataclasses import dataclass

_HOUR_S = 3600.0
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class MonitoringRules:
    """Settings of `MonitoringService`.

    Attributes
    ----------
    late_s, late_hold_s
        A reading older than `late_s` on arrival is part of a backlog; its home's silence is not raised until no such
        reading has come for `late_hold_s`.
    nearly_live_s
        A home that is always late by less than this is judged as far as its readings reach, so that it isn't held for
        ever.
    settle_s
        After the platform began to listen, spools empty themselves first.
    told_s
        After this a gateway that is heard has passed on what its devices said while the platform was away.
    offline_s
        A gateway that the broker reports gone may come back within this before its home counts as offline.
    sensor_bus_s
        A gateway that receives no sensors may receive them again within this before its home counts as offline.
    beat_gap_s
        A home's outage was no outage where its backlog holds heartbeats no further apart than this.
    refresh_s
        How often homes, devices and absences are read anew from the database.
    deadline_every_s, deadlines_a_sweep
        A home's deadline is written to the database at most so often, and so many homes' at once.
    overlap_s
        A restart takes the series again from so long before the snapshot.
    history_s
        As far back as a restart without a snapshot goes.
    replay_retry_s
        How long until the series store is asked again when it could not be read at start.

    """

    late_s: float = 300.0
    late_hold_s: float = 6.0
    nearly_live_s: float = 900.0
    settle_s: float = 10.0
    told_s: float = 300.0
    offline_s: float = 120.0
    sensor_bus_s: float = 90.0
    beat_gap_s: float = 600.0
    refresh_s: float = 60.0
    deadline_every_s: float = 30.0
    deadlines_a_sweep: int = 20
    overlap_s: float = 6 * _HOUR_S
    history_s: float = 35 * _DAY_S
    replay_retry_s: float = 10.0
