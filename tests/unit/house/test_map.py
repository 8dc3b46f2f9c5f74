"""The picture of the house is that of the imports: what is drawn, what is left out, and that a stale one is found."""

from __future__ import annotations

from pathlib import Path

import draw_map
import grimp
import pytest


def test_imports_of_modules_are_arrows_between_packages() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="top.a.x", imported="top.b.y")
    graph.add_import(importer="top.a.x", imported="top.a.z")
    graph.add_import(importer="top.b", imported="elsewhere.c")
    assert draw_map.find_edges(graph, ["top.a", "top.b"]) == {("top.a", "top.b")}
    assert draw_map.find_edges(graph, ["top", "elsewhere"]) == {("top", "elsewhere")}


def test_a_detour_makes_an_arrow_needless() -> None:
    edges = {("a", "b"), ("b", "c"), ("a", "c")}
    assert draw_map.leave_out_detours(edges) == {("a", "b"), ("b", "c")}


def test_a_cycle_stays_whole() -> None:
    edges = {("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")}
    assert draw_map.leave_out_detours(edges) == edges


def test_storeys_hold_their_packages_and_the_arrows_inside() -> None:
    storeys = [["app"], ["console"], ["alerts", "visits"], ["db"]]
    edges = {("p.app", "p.visits"), ("p.visits", "p.alerts"), ("p.alerts", "p.db")}
    picture = draw_map.draw_storeys(edges, storeys)
    assert "storey0 --> storey1" in picture
    assert "  visits --> alerts" in picture
    assert "app --> visits" not in picture


def test_the_same_imports_give_the_same_text() -> None:
    picture = draw_map.draw_packages({("b", "c"), ("a", "c"), ("a", "d")})
    assert picture.splitlines() == ["flowchart TD", "  a --> c", "  a --> d", "  b --> c"]


def test_the_picture_is_put_between_its_markers() -> None:
    text = "a\n<!-- map: x -->\nold\n<!-- map: end -->\nb\n<!-- map: y -->\nkept\n<!-- map: end -->\n"
    new = draw_map.replace_picture(text, "x", "new")
    assert "old" not in new
    assert "```mermaid\nnew\n```" in new
    assert "kept" in new
    with pytest.raises(ValueError, match="no place"):
        draw_map.replace_picture(text, "z", "new")


def test_a_stale_picture_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "architecture.md"
    copy.write_text(draw_map.DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(draw_map, "DOCUMENT", copy)
    assert draw_map.main([]) == 0
    assert draw_map.main(["--check"]) == 0
    arrow = "  anju_gateway --> anju_wire\n"
    told = copy.read_text(encoding="utf-8")
    assert arrow in told
    copy.write_text(told.replace(arrow, ""), encoding="utf-8")
    assert draw_map.main(["--check"]) == 1
