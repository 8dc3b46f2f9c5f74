"""Bookmarks of release 0.1.0 lead to the pages of today."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import WebHarness

from anju_platform.app.http import create_app


@pytest.fixture
def client(web: WebHarness) -> Iterator[TestClient]:
    """A browser in which nobody is signed in."""
    with TestClient(create_app(web.platform)) as running:
        yield running


@pytest.mark.parametrize(
    ("former", "today"),
    [
        ("/blind", "/homes?supervision=lost"),
        ("/wishes", "/sensitivity"),
        ("/wishes/anning", "/sensitivity/anning"),
    ],
)
def test_a_former_address_leads_to_todays(client: TestClient, former: str, today: str) -> None:
    moved = client.get(former, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, today)
    there = client.get(today, headers={"accept": "text/html"}, follow_redirects=False)
    assert (there.status_code, there.headers["location"].partition("?")[0]) == (303, "/login"), "it asks who looks"


@pytest.mark.parametrize("elsewhere", ["/wishes/%2F%2Fexample.org", "/wishes/a%0d%0ab", "/wishes/" + "a" * 64])
def test_a_former_address_leads_nowhere_else(client: TestClient, elsewhere: str) -> None:
    assert client.get(elsewhere, follow_redirects=False).status_code in {404, 422}
