"""A message leaves by the scheme of its URL: through a sender of ours, or through Apprise."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from anju_platform.notifications import senders


def test_a_scheme_of_ours_is_sent_by_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str, str]] = []

    def record_message(url: str, subject: str, body: str) -> bool:
        sent.append((url, subject, body))
        return False

    monkeypatch.setattr(senders, "SENDERS", ("pager",))
    monkeypatch.setitem(
        sys.modules, f"{senders.__name__}.pager", cast("ModuleType", SimpleNamespace(send=record_message))
    )
    assert not senders.send_message("PAGER://secret@host", "跌倒", "客厅")
    assert sent == [("PAGER://secret@host", "跌倒", "客厅")]


def test_any_other_scheme_is_apprises(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(senders.apprise.Apprise, "notify", lambda _self, **what: told.append(what) or True)
    assert senders.send_message("json://127.0.0.1:9/", "跌倒", "客厅")
    assert told == [{"title": "跌倒", "body": "客厅"}]
    assert not senders.send_message("nonsense", "跌倒", "客厅")


def test_a_file_gets_one_line_a_message(tmp_path: Path) -> None:
    kept = tmp_path / "to send.jsonl"
    url = kept.as_uri()
    assert senders.send_message(url, "跌倒", "客厅\n第二行")
    assert senders.send_message(url, "求助", "卧室")
    lines = kept.read_text(encoding="utf-8").splitlines()
    assert lines[1] == '{"subject": "求助", "body": "卧室"}', "as people read it"
    assert [json.loads(line) for line in lines] == [
        {"subject": "跌倒", "body": "客厅\n第二行"},
        {"subject": "求助", "body": "卧室"},
    ]


def test_a_file_that_cannot_be_written_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-folder"):
        senders.send_message((tmp_path / "no-such-folder" / "a.jsonl").as_uri(), "跌倒", "客厅")


def test_every_sender_is_a_module_with_a_function() -> None:
    for scheme in senders.SENDERS:
        assert callable(importlib.import_module(f"{senders.__name__}.{scheme}").send)
    folder = Path(senders.__file__).parent
    assert {path.stem for path in folder.glob("[!_]*.py")} == set(senders.SENDERS)
