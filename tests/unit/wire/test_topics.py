"""Topics are made and taken apart in one place, and nothing else passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_wire.topics import PLATFORM_STATUS, InvalidTopic, Topic, subscription
from anju_wire.vocabulary import DownLane, Lane

slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
lanes = st.sampled_from([*Lane, *DownLane])


@given(slugs, slugs, lanes)
def test_a_topic_comes_back_as_it_was_made(community: str, home: str, lane: Lane | DownLane) -> None:
    topic = Topic(community, home, lane)
    assert Topic.parse(str(topic)) == topic
    assert type(Topic.parse(str(topic)).lane) is type(lane)


@given(st.text(max_size=60))
def test_any_text_is_a_topic_or_refused(text: str) -> None:
    try:
        topic = str(Topic.parse(text))
    except InvalidTopic as error:
        topic = error.topic
    assert topic == text


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "anju/v1/a/b",
        "anju/v1/a/b/alarm/c",
        "anju/v2/a/b/alarm",
        "anju/v1/a/b/gossip",
        "anju/v1/a/+/alarm",
        "anju/v1/a/#/alarm",
        "anju/v1//b/alarm",
        "anju/v1/A/b/alarm",
        "anju/v1/a/-b/alarm",
        f"anju/v1/a/{'b' * 64}/alarm",
        "anju/v1/a/b\n/alarm",
        PLATFORM_STATUS,
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(InvalidTopic) as refusal:
        Topic.parse(topic)
    assert refusal.value.why


def test_a_home_that_is_no_slug_makes_no_topic() -> None:
    with pytest.raises(InvalidTopic, match="is not a slug"):
        Topic("anning", "home/07", Lane.ALARM)


def test_a_filter_matches_one_community_or_all() -> None:
    assert subscription(Lane.ALARM) == "anju/v1/+/+/alarm"
    assert subscription(Lane.CLIP, "anning") == "anju/v1/anning/+/clip"


@pytest.mark.parametrize(
    ("community", "home", "part"), [("Anning", "home-1", "community"), ("anning", "x" * 64, "home")]
)
def test_a_topic_says_which_part_is_no_slug(community: str, home: str, part: str) -> None:
    with pytest.raises(InvalidTopic) as refusal:
        Topic(community, home, Lane.ALARM)
    assert refusal.value.why.startswith(f"{part} ")
    assert refusal.value.topic == f"anju/v1/{community}/{home}/alarm"
