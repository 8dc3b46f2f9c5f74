"""Every page renders in every state and language."""

from __future__ import annotations

import re

import pytest
from fixtures._page_views import NOW, SHANGHAI, VIEWS, viewer_of

from anju_platform.console.rendering import Pages
from anju_wire.clock import Clock

CHINESE = re.compile(r"[\u4e00-\u9fff]+")


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(Clock())


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("locale", ["zh", "en"])
def test_page_renders(pages: Pages, name: str, locale: str) -> None:
    template, view = VIEWS[name]
    text = pages.render_text(template, locale, NOW, SHANGHAI, viewer=viewer_of(name), csrf="abc", **view)
    assert text.rstrip().endswith("</html>")
    assert f'lang="{"zh-CN" if locale == "zh" else "en"}"' in text


@pytest.mark.parametrize("name", VIEWS)
def test_page_keeps_to_the_content_policy(pages: Pages, name: str) -> None:
    """The platform's Content-Security-Policy allows no script or style inside a page."""
    template, view = VIEWS[name]
    text = pages.render_text(template, "zh", NOW, SHANGHAI, viewer=viewer_of(name), csrf="abc", **view)
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text)
    assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", text))
