"""The unit of work: one transaction, the events recorded in it, and the dispatcher that hands them to their handlers.

Handlers of `subscribe_within` run inside the transaction (they may add rows: outbox, visit task); handlers of
`subscribe_after` run once it is committed (server-sent events, downlink). Services flush; only `UnitOfWork.__exit__`
commits.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from anju_core.events import Event
from anju_core.ids import uuid7
from anju_platform.db.engine import DEFERRED
from anju_wire.clock import Clock

E = TypeVar("E", bound=Event)


class EventDispatcher:
    """Who listens to which event; filled by `bootstrap` alone."""

    def __init__(self) -> None:
        self._within: dict[type[Event], list[Callable[[UnitOfWork, Event], None]]] = defaultdict(list)
        self._after: dict[type[Event], list[Callable[[Event], None]]] = defaultdict(list)

    def subscribe_within(self, kind: type[E], handler: Callable[[UnitOfWork, E], None]) -> None:
        """Call `handler` inside the transaction in which the event happens."""
        self._within[kind].append(handler)  # type: ignore[arg-type]

    def subscribe_after(self, kind: type[E], handler: Callable[[E], None]) -> None:
        """Call `handler` once the event's transaction is committed."""
        self._after[kind].append(handler)  # type: ignore[arg-type]

    def handle_within(self, work: UnitOfWork, event: Event) -> None:
        """Run the handlers that belong inside the transaction."""
        for handler in self._within[type(event)]:
            handler(work, event)

    def publish_after(self, event: Event) -> None:
        """Run the handlers that wait for the commit."""
        for handler in self._after[type(event)]:
            handler(event)


class CommitOnError(Exception):
    """An error that must be remembered (a failed sign-in is counted): what was written before it is kept."""


class CommitRefused(RuntimeError):
    """Raised by `may_commit`: this process may not write now; another one, or this one later, may."""


class UnitOfWork:
    """A transaction as a context manager.

    It commits on a clean exit and on a `CommitOnError`; it rolls back on any other error.

    may_commit: called before each commit; what it raises rolls back and is raised.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        dispatcher: EventDispatcher,
        clock: Clock,
        may_commit: Callable[[], None] | None = None,
    ) -> None:
        self._sessions = sessions
        self._dispatcher = dispatcher
        self.clock = clock
        self._may_commit = may_commit
        self._events: list[Event] = []
        self._last_writes: list[Callable[[Session], None]] = []
        self._reads_only = False

    def __enter__(self) -> Self:
        self.session = self._sessions()
        self._events, self._last_writes, self._reads_only = [], [], False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keep = error is None or isinstance(error, CommitOnError)
        try:
            if keep:
                if self._may_commit is not None:
                    self._may_commit()
                self.session.commit()
            else:
                self.session.rollback()
        finally:
            self.session.close()
        if keep:
            if self._last_writes:
                with self._sessions.begin() as session:
                    for write in self._last_writes:
                        write(session)
            for event in self._events:
                self._dispatcher.publish_after(event)

    def only_read(self) -> None:
        """Say before the first statement that nothing will be written: on SQLite no writer then waits for this unit."""
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

    def record(self, event: Event) -> None:
        """Say that something happened: handlers inside the transaction run now, the others after the commit."""
        self._events.append(event)
        self._dispatcher.handle_within(self, event)

    def new_id(self) -> UUID:
        """A UUIDv7 of now."""
        return uuid7(self.clock.time(), os.urandom(10))


WorkFactory = Callable[[], UnitOfWork]
