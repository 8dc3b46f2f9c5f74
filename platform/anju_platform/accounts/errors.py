"""Errors of the accounts' slice. None of them tells whether a login exists."""

from __future__ import annotations

from anju_core.errors import Conflict, Invalid, NotFound, Refused, TooMany, Unauthenticated
from anju_core.scope import ScopeKind
from anju_core.vocabulary import Role


class SignInRefused(Unauthenticated):
    """The login and the password do not belong together."""

    def __init__(self) -> None:
        super().__init__("the login or the password is wrong")


class TooManySignIns(TooMany):
    """The login was tried too often from here; it is locked for a while."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed sign-ins; try again in {retry_after_s} s", retry_after_s)


class SignInsBusy(TooMany):
    """More sign-ins wait than can be served."""

    def __init__(self) -> None:
        super().__init__("too many sign-ins at once; try again in a moment", 2)


class NotSignedIn(Unauthenticated):
    """There is no session, or it has ended."""

    def __init__(self) -> None:
        super().__init__("sign in first")


class WrongRole(Refused):
    """The person's role does not include this."""

    def __init__(self, role: Role, needed: tuple[Role, ...]) -> None:
        super().__init__(f"role {role} may not do this; it needs one of: {', '.join(needed)}")
        self.role = role
        self.needed = needed


class CsrfMismatch(Refused):
    """A changing request with a cookie came without a valid CSRF token."""

    def __init__(self) -> None:
        super().__init__("the page is out of date or the request came from elsewhere; reload and try again")


class OutOfScope(NotFound):
    """There is no such thing, or it is outside the person's scope."""

    def __init__(self) -> None:
        super().__init__("there is no such thing, or it is not yours to see")


class LoginTaken(Conflict):
    """Another account has this login."""

    def __init__(self, login: str) -> None:
        super().__init__(f"the login {login!r} is taken")
        self.login = login


class WeakPassword(Invalid):
    """A password that is too easy."""

    def __init__(self, shortest: int) -> None:
        super().__init__(f"the password needs at least {shortest} characters, and may not be the login")
        self.shortest = shortest


class ScopeMissing(Invalid):
    """An account that would see nothing: what its kind of scope needs is missing, or is no matter of its role."""

    def __init__(self, role: Role, kind: ScopeKind) -> None:
        needed = "no community" if kind is ScopeKind.DISTRICT else f"a {kind}"
        super().__init__(f"an account of role {role} and of scope {kind} needs {needed}, and a role that can have it")
        self.role = role
        self.kind = kind


class LastOfRole(Conflict):
    """Without this account nobody would be left whom alerts of its community can reach."""

    def __init__(self, login: str, role: Role, community_id: str | None) -> None:
        where = f"community {community_id}" if community_id else "the district"
        why = "alerts there would reach nobody; open another account first"
        super().__init__(f"{login!r} is the last {role.value} of {where}: {why}")
        self.login = login
        self.role = role
        self.community_id = community_id


class AccountUnknown(NotFound):
    """There is no such account."""

    def __init__(self, login: str) -> None:
        super().__init__(f"there is no account {login!r}")
        self.login = login
