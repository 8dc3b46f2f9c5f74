"""Composes the objects of the notifications slice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from anju_platform.i18n.translation import Words
from anju_platform.notifications.claims import OutboxClaims
from anju_platform.notifications.digest import DigestWriter
from anju_platform.notifications.home_confirmations import HomeConfirmations
from anju_platform.notifications.retirement import OutboxRetirement
from anju_platform.notifications.service import OutboxService
from anju_platform.notifications.settlement import OutboxSettlement


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSlice:
    """One object for each side from which the outbox is approached.

    service: messages that other slices write. claims and settlement: the delivery worker's tries. retirement: what
    is not tried any more. confirmations: what homes' gateways say.
    """

    service: OutboxService
    claims: OutboxClaims
    settlement: OutboxSettlement
    retirement: OutboxRetirement
    confirmations: HomeConfirmations

    @classmethod
    def build(cls, addresses: Collection[str], words: Mapping[str, Words], board_url: str = "") -> Self:
        """Compose the slice.

        addresses: the names of the Apprise URLs that are configured. words: the translations by locale. board_url:
        where people see all alerts; empty: no link.
        """
        settlement = OutboxSettlement()
        return cls(
            service=OutboxService(addresses),
            claims=OutboxClaims(DigestWriter(words, board_url)),
            settlement=settlement,
            retirement=OutboxRetirement(settlement),
            confirmations=HomeConfirmations(settlement),
        )
