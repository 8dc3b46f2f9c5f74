"""Topics `anju/v1/{community}/{home}/{lane}`: built, matched and parsed here only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anju_wire.vocabulary import DownLane, Lane

PREFIX = "anju/v1"
PLATFORM_STATUS = f"{PREFIX}/platform/status"
"""Retained: `PlatformStatus`. A gateway that sees the platform come back sends its unacknowledged messages again."""

_LANES: dict[str, Lane | DownLane] = {str(lane): lane for lanes in (Lane, DownLane) for lane in lanes}
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def is_slug(text: str) -> bool:
    """Return whether a text can be the id of a community or a home."""
    return _SLUG.fullmatch(text) is not None


class InvalidTopic(ValueError):
    """A topic that is not of Anju's form."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"topic {topic!r}: {why}")
        self.topic = topic
        self.why = why


@dataclass(frozen=True, slots=True)
class Topic:
    """One home's lane, up or down."""

    community: str
    home: str
    lane: Lane | DownLane

    def __post_init__(self) -> None:
        for name, value in (("community", self.community), ("home", self.home)):
            if not is_slug(value):
                raise InvalidTopic(str(self), f"{name} {value!r} is not a slug")

    def __str__(self) -> str:
        return f"{PREFIX}/{self.community}/{self.home}/{self.lane}"

    @classmethod
    def parse(cls, topic: str) -> Topic:
        """Parse a topic; raises `InvalidTopic`."""
        parts = topic.split("/")
        if len(parts) != 5 or "/".join(parts[:2]) != PREFIX:  # noqa: PLR2004 - anju, v1, community, home, lane
            raise InvalidTopic(topic, f"not of the form {PREFIX}/{{community}}/{{home}}/{{lane}}")
        lane = _LANES.get(parts[4])
        if lane is not None:
            return cls(parts[2], parts[3], lane)
        raise InvalidTopic(topic, f"unknown lane {parts[4]!r}")


def subscription(lane: Lane, community: str = "+") -> str:
    """Return the topic filter for a lane of every home, of one community or (`+`) of all."""
    return f"{PREFIX}/{community}/+/{lane}"
