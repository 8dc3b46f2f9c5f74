"""What the pages say of a home with smoke or gas: whom to dial first, and that nothing may ring where there is gas."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixtures._page_views import EMERGENCY, detail
from fixtures.tenants import District
from sqlalchemy import select

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert

K = AlertKind
SILENT = {"zh": "先别打屋里的电话，也别按门铃", "en": "do not ring the telephone or the doorbell in the home yet"}
FIRE_FIRST = (K.SMOKE, K.GAS, K.CARBON_MONOXIDE)
ELDER_PHONE = "12800001"
CONTACT_PHONE = "1"


def dialled(page: str) -> list[str]:
    """Return the numbers that a page offers to dial, in their order."""
    return re.findall(r'href="tel:([^"]+)"', page)


def show_board(district: District, kind: AlertKind, lang: str = "zh") -> str:
    """Return the page of the own alert, as if it were of this kind and the worker had taken it."""
    with district.platform.work() as work:
        work.session.get_one(Alert, district.own.alert).kind = kind.value
    return district.ask(
        "worker", "GET", f"/board/{district.own.alert}", headers={"Cookie": f"anju_lang={lang}"}
    ).text.partition('id="chosen"')[2]


@pytest.mark.parametrize("kind", [*FIRE_FIRST, K.SOS])
def test_the_board_offers_the_fire_service_before_the_ambulance_where_it_is_needed(
    district: District, kind: AlertKind
) -> None:
    numbers = dialled(show_board(district, kind))
    services = [number for number in numbers if number in {"119", "120"}]
    assert services == (["119", "120"] if kind in FIRE_FIRST else ["120"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_where_there_is_gas_the_residents_own_telephone_stands_last_and_the_page_says_why(
    district: District, lang: str
) -> None:
    page = show_board(district, K.GAS, lang)
    assert SILENT[lang] in page
    assert dialled(page)[0] == "119"
    assert dialled(page)[-1] == ELDER_PHONE
    assert CONTACT_PHONE in dialled(page)
    script = page.partition('class="emergency')[2].partition("</div>")[0]
    assert ELDER_PHONE not in script


@pytest.mark.parametrize("kind", [K.SMOKE, K.SOS])
def test_elsewhere_the_resident_is_called_first(district: District, kind: AlertKind) -> None:
    page = show_board(district, kind)
    assert SILENT["zh"] not in page
    calls = page.partition('<ol class="calls">')[2]
    assert dialled(calls)[:2] == [ELDER_PHONE, CONTACT_PHONE]


def test_gas_in_the_home_silences_its_other_alerts_too(district: District) -> None:
    with district.platform.work() as work:
        press = work.session.get_one(Alert, district.own.alert)
        facts = {"state": "raised", "kind": K.GAS.value, "episode": "gas"}
        columns = {one.key: getattr(press, one.key) for one in Alert.__table__.columns if one.key not in {"id", *facts}}
        work.session.add(Alert(id=work.new_id(), **columns, **facts))
    page = show_board(district, K.SOS)
    assert SILENT["zh"] in page
    assert dialled(page)[-1] == ELDER_PHONE


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_family_is_told_to_dial_119_and_not_to_ring_in_a_home_with_gas(district: District, lang: str) -> None:
    with district.platform.work() as work:
        for alert in work.session.scalars(select(Alert)):
            alert.kind = K.GAS.value
    page = district.ask("family", "GET", "/family", headers={"Cookie": f"anju_lang={lang}"}).text
    assert SILENT[lang] in page
    numbers = dialled(page)
    assert numbers[0] == "119"
    assert numbers.index("119") < numbers.index(ELDER_PHONE)
    assert "button-main" not in page.partition(f'href="tel:{ELDER_PHONE}"')[0].rpartition("<a")[2]


def test_nobody_is_called_first_where_the_only_number_would_ring_in_the_gas() -> None:
    panel = detail("contact")
    elder, son = panel.calls
    gas = replace(EMERGENCY, keep_silent="可能漏气")
    assert replace(panel, calls=[elder]).first_call == elder
    assert replace(panel, calls=[elder], emergency=gas).first_call is None
    assert replace(panel, calls=[son, elder], emergency=gas).first_call == son
    assert replace(panel, calls=[], emergency=None).first_call is None
