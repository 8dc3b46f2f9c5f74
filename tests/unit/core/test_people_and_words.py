"""Who may see what, what an error says, what an elder is told, and identifiers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from anju_core.actor import Actor
from anju_core.announcements import (
    SEEN,
    ElderMessage,
    cancelled,
    closed,
    coming_soon,
    on_the_way,
    others_asked,
    visit_code,
)
from anju_core.errors import Conflict, DomainError, Invalid, NotFound, Refused
from anju_core.ids import uuid7
from anju_core.recipients import Recipient
from anju_core.scope import (
    KINDS,
    NOTHING,
    WHOLE_DISTRICT,
    Communities,
    OneHome,
    OneProvider,
    ScopeKind,
    scope_of,
)
from anju_core.vocabulary import AlertKind, Role
from anju_wire.vocabulary import Announcement, AnnouncementKey

SOMEBODY = UUID(int=7)


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (Actor(SOMEBODY, "王姐", Role.WORKER, "anning"), True),
        (Actor(SOMEBODY, "外人", Role.WORKER, "elsewhere"), False),
        (Actor(SOMEBODY, "无处", Role.WORKER), False),
        (Actor(SOMEBODY, "主任", Role.SUPERVISOR), False),
        (Actor(SOMEBODY, "主任", Role.SUPERVISOR, scope_kind=ScopeKind.DISTRICT), True),
        (Actor(SOMEBODY, "主任", Role.SUPERVISOR, "anning", scope_kind=ScopeKind.DISTRICT), False),
        (Actor(SOMEBODY, "主任", Role.SUPERVISOR, "anning", scope_kind=ScopeKind.COMMUNITY), True),
        (Actor(SOMEBODY, "王姐", Role.WORKER, scope_kind=ScopeKind.DISTRICT), False),
        (Actor(SOMEBODY, "区里", Role.DISTRICT, scope_kind=ScopeKind.COMMUNITY), False),
        (Actor(SOMEBODY, "区里", Role.DISTRICT), True),
        (Actor(SOMEBODY, "别区", Role.DISTRICT, "elsewhere"), False),
        (Actor(SOMEBODY, "管理员", Role.ADMIN), True),
        (Actor(SOMEBODY, "女儿", Role.FAMILY, home_id="home-01"), True),
        (Actor(SOMEBODY, "别家", Role.FAMILY, home_id="home-02"), False),
        (Actor(SOMEBODY, "谁家", Role.FAMILY), False),
        (Actor(SOMEBODY, "李护士", Role.CARER, provider_id="kangle"), True),
        (Actor(SOMEBODY, "别家", Role.PROVIDER, provider_id="other"), False),
        (Actor(SOMEBODY, "没家", Role.CARER), False),
    ],
)
def test_everybody_sees_their_scope_and_no_more(actor: Actor, seen: bool) -> None:  # noqa: FBT001
    assert actor.may_see("anning", "home-01", "kangle") is seen


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", [*ScopeKind, None])
def test_whose_place_is_missing_sees_nothing_and_no_kind_is_anybodys(role: Role, kind: ScopeKind | None) -> None:
    of_district = Role.ADMIN, Role.DISTRICT, Role.TESTER
    whole = (role in of_district) if kind is None else kind is ScopeKind.DISTRICT and kind in KINDS[role]
    assert scope_of(role, None, None, None, kind) == (WHOLE_DISTRICT if whole else NOTHING)
    seen = scope_of(role, "anning", "kangle", "home-01", kind)
    usual = {Role.CARER: "provider", Role.PROVIDER: "provider", Role.FAMILY: "home"}.get(role, "community")
    expected = {
        "community": Communities(frozenset({"anning"})),
        "provider": OneProvider("kangle"),
        "home": OneHome("home-01"),
    }
    assert seen == (expected.get(kind or usual, NOTHING) if kind is None or kind in KINDS[role] else NOTHING)


def test_a_thing_without_a_home_or_provider_is_nobodys_family() -> None:
    assert not Actor(SOMEBODY, "女儿", Role.FAMILY).may_see("anning", None)
    assert not Actor(SOMEBODY, "李护士", Role.CARER, provider_id="kangle").may_see("anning", "home-01")


def test_errors_are_of_families_and_tell_plain_facts() -> None:
    class Sample(Conflict):
        def __init__(self) -> None:
            super().__init__("sample")
            self.role = Role.WORKER
            self.who = SOMEBODY
            self.names = ("a", SOMEBODY)
            self.at = datetime(2026, 3, 2, tzinfo=UTC)
            self.many = 3
            self.none = None

    assert Sample().facts() == {
        "role": "worker",
        "who": str(SOMEBODY),
        "names": ["a", str(SOMEBODY)],
        "at": "2026-03-02 00:00:00+00:00",
        "many": 3,
        "none": None,
    }
    assert all(issubclass(family, DomainError) for family in (Conflict, Invalid, NotFound, Refused))


def test_the_elder_is_told_who_comes_and_when() -> None:
    assert coming_soon("王姐") == ElderMessage(AnnouncementKey.COMING_SOON, {"name": "王姐"})
    soon = on_the_way("李护士", 15)
    assert (soon.key, soon.facts) == (AnnouncementKey.ON_THE_WAY_MINUTES, {"name": "李护士", "minutes": 15})
    assert on_the_way("李护士", None) == ElderMessage(AnnouncementKey.ON_THE_WAY, {"name": "李护士"})
    code = visit_code("李护士", "482913")
    assert code == ElderMessage(AnnouncementKey.VISIT_CODE, {"name": "李护士", "code": "482913"})
    assert code.announce is Announcement.VISIT_CODE
    assert closed().announce is Announcement.CLOSED
    assert cancelled().announce is Announcement.CANCELLED
    assert others_asked().announce is Announcement.SEEN


def test_nobody_at_home_is_spoken_to_about_a_home_offline() -> None:
    assert AlertKind.HOME_OFFLINE not in SEEN
    assert {message.announce for message in SEEN.values()} == {Announcement.SEEN}


def test_ids_sort_by_time() -> None:
    early, late = uuid7(1000.0, bytes(10)), uuid7(1000.002, b"\xff" * 10)
    assert early < late
    assert (early.version, early.variant) == (7, "specified in RFC 4122")
    with pytest.raises(ValueError, match="10 random bytes"):
        uuid7(1000.0, b"short")


def test_a_recipient_is_one_person_in_a_set() -> None:
    one = Recipient(SOMEBODY, "王姐", "wang", "anning")
    assert {one, Recipient(SOMEBODY, "王姐", "wang", "anning")} == {one}
