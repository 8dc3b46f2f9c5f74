"""What elder, family and board are told is true at every second of eight scenarios, each in a home of one district.

The verdicts come from the oracles of the evaluator, which are written apart from the platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from acceptance.district import DemoProcess

from anju_sim.bus import Credential, MqttBus
from anju_sim.evaluator import Verdict
from anju_sim.scenario import StaffRole, bind_homes, load_scenario
from anju_sim.scenario_run import RunContext, ScenarioRun
from anju_sim.staff import SeededLogin, StaffClient, StaffScript, read_logins, sign_in_staff
from anju_wire.clock import Clock
from anju_wire.fleet import Fleet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SCENARIOS = (
    *("no-carer", "nobody-answers", "fall-then-press", "network-cut"),
    *("two-presses", "taken-back", "resident-away", "declined-at-the-door"),
)
"""In the order of the homes, of which every other has a wearable and the first a relative with an account."""
PATIENCE_S = 10.0
"""Twice what `anju sim run` allows: the whole district shares the cores with other tests."""
ALL = {"the elder hears the truth", "the family reads the truth", "the board shows the truth"}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Verdict]]]:
    """One run of every scenario, all at the same time."""
    folder = tmp_path_factory.mktemp("truth")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("anju_sim.elder_oracle.PATIENCE_S", PATIENCE_S)
        yield from _play_all(folder)


def _play_all(folder: Path) -> Iterator[dict[str, Future[Verdict]]]:
    district = DemoProcess(folder, "--homes", str(len(SCENARIOS)), "--history-days", "0")
    try:
        near = district.fleet.homes[0].bus
        user = Credential.from_folder(Path(district.state["secrets"]), "scenario")
        with (
            MqttBus(near.host, near.port, "truth-bus", user) as bus,
            MqttBus("127.0.0.1", district.state["broker"], "truth", user) as broker,
            ThreadPoolExecutor(len(SCENARIOS)) as threads,
        ):
            yield {name: threads.submit(_play, district, bus, broker, name) for name in SCENARIOS}
    finally:
        code = district.stop()
    assert code == 0


def _play(district: DemoProcess, bus: MqttBus, broker: MqttBus, name: str) -> Verdict:
    scenario, home = load_scenario(name), district.fleet.homes[SCENARIOS.index(name)]
    url, accounts = district.state["http"], read_logins(Path(district.state["logins"]))
    workers = sign_in_staff(url, accounts, StaffRole.WORKER, home.community)
    carers = sign_in_staff(url, accounts, StaffRole.CARER, home.community)
    families = {home.home: _sign_in(url, accounts, "family")} if name == SCENARIOS[0] else {}
    context = RunContext(
        bindings=bind_homes(scenario, Fleet([home])),
        bus=bus,
        district=broker,
        worker=workers[0],
        tester=_sign_in(url, accounts, "tester"),
        make_staff=lambda code_of: StaffScript(workers[0], carers, scenario.staff, code_of),
        families=families,
        staff_names=frozenset(one.login.name for one in (*workers, *carers)),
        clock=Clock(),
        seed=1,
    )
    return ScenarioRun(scenario, context, lambda _: None).run()


def _sign_in(url: str, accounts: list[SeededLogin], role: str) -> StaffClient:
    client = StaffClient(url, next(account for account in accounts if account.role == role))
    client.sign_in()
    return client


@pytest.mark.parametrize("name", SCENARIOS)
def test_everybody_is_told_the_truth(verdicts: dict[str, Future[Verdict]], name: str) -> None:
    findings = verdicts[name].result().findings
    assert [one for one in findings if not one.ok] == []
    judged = {one.what for one in findings} & ALL
    assert judged == (ALL if name == SCENARIOS[0] else ALL - {"the family reads the truth"})
