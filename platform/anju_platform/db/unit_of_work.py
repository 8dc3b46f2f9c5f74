"""The unit of work: one transaction, the events recorded in it, and the dispatcher that hands them to their handlers.

Handlers of `subscribe_within` run inside the transaction (they may add rows: outbox, visit task); handlers of
`subscribe_after` run once it is committed (server-sent events, downlink). Services flush; only `UnitOfWork.__exit__`
commits.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.orm import Session, sessionmaker

from anju_core.events import Event
from anju_core.ids import uuid7
from anju_platform.db.engine import DEFERRED
from anju_platform.db.step_fence import StepFence
from anju_wire.clock import Clock

E = TypeVar("E", bound=Event)
log = structlog.get_logger("anju.db")


class EventDispatcher:
    """Who listens to which event; filled by `bootstrap` alone."""

    def __init__(self) -> None:
        self._within: dict[type[Event], list[Callable[[UnitOfWork, Sequence[Event]], None]]] = defaultdict(list)
        self._after: dict[type[Event], list[Callable[[Event], None]]] = defaultdict(list)

    def subscribe_within(self, kind: type[E], handler: Callable[[UnitOfWork, E], None]) -> None:
        """Call `handler` inside the transaction in which the event happens."""

        def handle_each(work: UnitOfWork, events: Sequence[E]) -> None:
            for event in events:
                handler(work, event)

        self.subscribe_within_together(kind, handle_each)

    def subscribe_within_together(self, kind: type[E], handler: Callable[[UnitOfWork, Sequence[E]], None]) -> None:
        """Do as `subscribe_within`, for all events of this kind that are recorded together at once."""
        self._within[kind].append(handler)  # type: ignore[arg-type]

    def subscribe_after(self, kind: type[E], handler: Callable[[E], None]) -> None:
        """Call `handler` once the event's transaction is committed."""
        self._after[kind].append(handler)  # type: ignore[arg-type]

    def handle_within(self, work: UnitOfWork, events: Sequence[Event]) -> None:
        """Run the handlers that belong inside the transaction, kind by kind."""
        by_kind: dict[type[Event], list[Event]] = defaultdict(list)
        for event in events:
            by_kind[type(event)].append(event)
        for kind, alike in by_kind.items():
            for handler in self._within[kind]:
                handler(work, alike)

    def publish_after(self, event: Event) -> None:
        """Run the handlers that wait for the commit; an error in one is logged, for what happened is stored."""
        for handler in self._after[type(event)]:
            try:
                handler(event)
            except Exception:
                log.exception("who listens to an event failed", kind=type(event).__name__)


class CommitOnError(Exception):
    """An error that must be remembered (a failed sign-in is counted): what was written before it is kept."""


class UnitOfWork:
    """A transaction as a context manager.

    It commits on a clean exit and on a `CommitOnError`; it rolls back on any other error.

    may_commit: called before each commit; what it raises rolls back and is raised. fence: of the clock; without one
    the clock never moves.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        dispatcher: EventDispatcher,
        clock: Clock,
        may_commit: Callable[[], None] | None = None,
        fence: StepFence | None = None,
    ) -> None:
        self._sessions = sessions
        self._dispatcher = dispatcher
        self.clock = clock
        self._may_commit = may_commit
        self._fence, self._era = fence or StepFence(), 0
        self._events: list[Event] = []
        self._last_writes: list[Callable[[Session], None]] = []
        self._after_commit: list[Callable[[], None]] = []
        self._reads_only = False

    def __enter__(self) -> Self:
        self._era = self._fence.enter()
        self.session = self._sessions()
        self._events, self._last_writes, self._after_commit, self._reads_only = [], [], [], False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keep = error is None or isinstance(error, CommitOnError)
        try:
            if keep:
                if self._may_commit is not None:
                    self._may_commit()
                with nullcontext() if self._reads_only else self._fence.commit_within(self._era):
                    self.session.commit()
            else:
                self.session.rollback()
        finally:
            self.session.close()
            if not self._reads_only:
                self._fence.leave(self._era)
        if keep:
            try:
                for act in self._after_commit:
                    act()
            finally:
                self._follow_up()

    def _follow_up(self) -> None:
        """Write what was put off, and publish the events of this unit, which is committed."""
        if self._last_writes:
            with self._sessions.begin() as session:
                for write in self._last_writes:
                    write(session)
        for event in self._events:
            self._dispatcher.publish_after(event)

    def only_read(self) -> None:
        """Say before the first statement that nothing will be written: on SQLite no writer then waits for this unit."""
        if not self._reads_only:
            self._fence.leave(self._era)
        self._reads_only = True
        self.session.connection(execution_options=DEFERRED)

    def write_at_end(self, write: Callable[[Session], None]) -> None:
        """Have `write` add rows: in this transaction, or where it only reads in one that follows once it ended well.

        What `write` raises, this unit raises.
        """
        if self._reads_only:
            self._last_writes.append(write)
        else:
            write(self.session)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Have `act` called once this unit is committed, before who listens to its events; what it raises is raised."""
        self._after_commit.append(act)

    def record(self, event: Event) -> None:
        """Say that something happened: handlers inside the transaction run now, the others after the commit."""
        self.record_all([event])

    def record_all(self, events: Sequence[Event]) -> None:
        """Say that several things happened together: a handler that can takes those of a kind at once."""
        self._events += events
        self._dispatcher.handle_within(self, events)

    def new_id(self) -> UUID:
        """A UUIDv7 of now."""
        return uuid7(self.clock.time(), os.urandom(10))


WorkFactory = Callable[[], UnitOfWork]
