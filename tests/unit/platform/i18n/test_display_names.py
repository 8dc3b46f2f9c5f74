"""Display names: a row for each value that is shown, and none that nothing says."""

from __future__ import annotations

from anju_core.vocabulary import EscalationReason
from anju_platform.i18n.display_names import LABELS


def test_every_reason_of_an_escalation_has_its_name_and_no_other_has() -> None:
    assert set(LABELS["escalation"]) == set(EscalationReason)
