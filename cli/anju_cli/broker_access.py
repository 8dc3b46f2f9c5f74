"""Who may sign in at a listener of the embedded broker, and which topics are theirs, by Mosquitto's own files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anju_cli.broker_users import hash_password, make_password, read_hashes, verify_password

_RULE = re.compile(r"(topic|pattern)\s+(?:(read|write|readwrite)\s+)?(\S.*)")


class AccessFileInvalid(ValueError):
    """A password or rules file that is missing, empty or holds a line that Mosquitto would not read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True)
class TopicRule:
    """A topic filter that one user, or with `%u` each, may read or write."""

    topic: str
    read: bool
    write: bool


@dataclass(slots=True)
class AccessRules:
    """The users of one listener and what they may do. `bind_ids`: a client's id is the name that it signs in with."""

    hashes: dict[str, str]
    patterns: list[TopicRule] = field(default_factory=list)
    of_user: dict[str, list[TopicRule]] = field(default_factory=dict)
    bind_ids: bool = True
    _nobody: str = field(default_factory=lambda: hash_password(make_password()))

    def authenticate(self, user: str | None, password: str | None) -> bool:
        """Return whether this is a user's password; a name that nobody has takes as long as one that somebody has."""
        known = self.hashes.get(user or "")
        return verify_password(password or "", known or self._nobody) and known is not None

    def may_publish(self, user: str, topic: str) -> bool:
        """Return whether a user may publish on a topic."""
        return any(rule.write and _covers(rule.topic, topic) for rule in self._rules(user))

    def may_subscribe(self, user: str, topic_filter: str) -> bool:
        """Return whether a user may read every topic of a filter."""
        return any(rule.read and _covers(rule.topic, topic_filter) for rule in self._rules(user))

    def _rules(self, user: str) -> Iterator[TopicRule]:
        yield from self.of_user.get(user, ())
        for rule in self.patterns:
            yield TopicRule(rule.topic.replace("%u", user), rule.read, rule.write)


def load_access(users: Path, *, bind_ids: bool) -> AccessRules:
    """Read `<users>.passwords` and `<users>.acl`; raises `AccessFileInvalid`."""
    passwords, rules = users.with_name(f"{users.name}.passwords"), users.with_name(f"{users.name}.acl")
    try:
        access = AccessRules(read_hashes(passwords), bind_ids=bind_ids)
        lines = rules.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AccessFileInvalid(rules, str(error)) from None
    if not access.hashes:
        raise AccessFileInvalid(passwords, "holds no user")
    _read_rules(access, rules, lines)
    return access


def _read_rules(access: AccessRules, path: Path, lines: Iterable[str]) -> None:
    user = ""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("user "):
            user = text.removeprefix("user ").strip()
            continue
        found = _RULE.fullmatch(text)
        if found is None or (found[1] == "topic" and not user):
            raise AccessFileInvalid(path, f"line {number} is no rule of a user and no pattern")
        way = found[2] or "readwrite"
        rule = TopicRule(found[3], way.startswith("read"), way.endswith("write"))
        (access.patterns if found[1] == "pattern" else access.of_user.setdefault(user, [])).append(rule)


def _covers(rule: str, topic: str) -> bool:
    """Return whether every topic of a filter, or this one topic, is a topic of the rule's filter."""
    if topic.startswith("$") and not rule.startswith("$"):
        return False
    allowed, asked = rule.split("/"), topic.split("/")
    for index, level in enumerate(allowed):
        if level == "#":
            return True
        if index >= len(asked) or asked[index] == "#" or level not in {"+", asked[index]}:
            return False
    return len(allowed) == len(asked)
