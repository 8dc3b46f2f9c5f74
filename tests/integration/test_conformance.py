"""The conformance kit: the reference gateway and our own conform, and each planted mistake is found."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures._servers import running_server
from fixtures.mosquitto import Mosquitto, need_mosquitto
from integration.test_gateway import COMMUNITY, HOME, Devices, Gateway

from anju_gateway.conformance.course import Course
from anju_gateway.conformance.findings import Check, Findings
from anju_gateway.conformance.operator import Act
from anju_gateway.conformance.platform_side import BrokerInUse, CheckTarget, PlatformSide

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
REFERENCE = Path(__file__).parents[2] / "docs" / "reference_gateway.py"
AGAIN_S = 0.4
PATIENCE_S, BROKEN_PATIENCE_S = 30.0, 15.0
MISTAKES: list[tuple[Check, str, str]] = [
    (Check.STATUS, "status(True), qos=1, retain=True", "status(True), qos=1"),
    (Check.STATUS, '"online": online,', '"online": str(online),'),
    (Check.PRESS_COMES, 'put("alarm", "button/sos", vb=True)', 'put("telemetry", "button/sos", vb=True)'),
    (Check.READABLE, '"motion-hall/occupancy", vb=True', '"motion-hall/occupancy", vb="on"'),
    (Check.READABLE, '"t": round(time.time(), 3)', '"t": round(time.time() * 1000)'),
    (Check.QOS, "envelope(lane, seq, pack), qos=1", "envelope(lane, seq, pack), qos=0"),
    (Check.NOT_RETAINED, "envelope(lane, seq, pack), qos=1", "envelope(lane, seq, pack), qos=1, retain=True"),
    (Check.ALONE, "**value}])", "**value}] * 2)"),
    (Check.TRUTH, '"button/sos", vb=True', '"button/sos", vb=False'),
    (Check.TIME, '"sent": round(time.time(), 3)', '"sent": round(time.time() + 8 * 3600, 3)'),
    (Check.TIME, '"t": round(time.time(), 3)', '"t": round(time.time() - 8 * 3600, 3)'),
    (Check.NUMBERS, '"seq": seq, "base": base}', '"seq": seq, "base": seq + 1}'),
    (
        Check.NUMBERS,
        "next = next + 1 WHERE lane = ? RETURNING next - 1",
        "next = next + 2 WHERE lane = ? RETURNING next - 1",
    ),
    (Check.NUMBERS, '"pack": json.loads(pack)}', '"pack": json.loads(pack), "copy": time.time()}'),
    (Check.HEARD, 'vs=f"heard:{number}"', 'vs="heard"'),
    (Check.SENT_AGAIN, "        for lane in clients:\n            send(lane)", '        send("telemetry")'),
    (Check.WRONG_DIGEST, 'if blake2b(content, digest_size=16).hexdigest() == ack["digest"]:', "if content:"),
    (Check.OTHER_EPOCH, 'and ack["epoch"] == one("SELECT epoch FROM life")[0]:', "and ack:"),
    (
        Check.FORGETS,
        'WHERE lane = ? AND seq = ?", (lane, ack["seq"]))',
        'WHERE lane = ? AND seq < ?", (lane, ack["seq"]))',
    ),
    (
        Check.FORGETS,
        'WHERE lane = ? AND seq <= ?", (lane, ack["upto"]))',
        'WHERE lane = ? AND seq < 0 * ?", (lane, ack["upto"]))',
    ),
    (Check.ALARM_ANYWAY, '(lane == "alarm" or platform["online"])', 'platform["online"]'),
    (Check.READINGS_WAIT, 'and (lane == "alarm" or platform["online"])', ""),
    (Check.READINGS_COME, 'platform.update(online=told["online"])', "platform.update(online=False)"),
    (Check.COMMAND_SETTLED, ":{command['id']}\")", '")'),
    (
        Check.COMMAND_ONCE,
        'not one("SELECT 1 FROM said WHERE id = ?", command["id"])',
        'spool.execute("DELETE FROM said")',
    ),
    (Check.COMMAND_STALE, 'if command["expires"] >= time.time() and', "if"),
    (Check.COMMAND_UNKNOWN, "def say(command):\n", 'def say(command):\n    assert "later" not in command\n'),
    (
        Check.COMMAND_BROKEN,
        "except (ValueError, KeyError, TypeError, AttributeError) as error:",
        "except ZeroDivisionError as error:",
    ),
    (Check.REFUSED, '    lane = ack["lane"]\n', '    lane = ack["lane"] if not ack.get("refused") else ""\n'),
    (Check.NEW_EPOCH, 'ack.get("last", 0) >= one(', "0 >= one("),
    (Check.LAST_WILL, 'if lane == "alarm":\n        client.will_set', 'if lane == "none":\n        client.will_set'),
    (Check.SURVIVES, "sqlite3.connect(path, ", 'sqlite3.connect(":memory:", '),
]


class TypedGateway:
    """The reference gateway, or a broken copy of it, as a process that is typed to."""

    def __init__(self, script: Path, port: int, home: str, folder: Path) -> None:
        arguments = ["127.0.0.1", str(port), f"{COMMUNITY}/{home}", f"gw-{home}", str(folder / f"{home}.sqlite")]
        self._command = [sys.executable, str(script), *arguments]
        self._log = folder / f"{home}.log"
        self._process: subprocess.Popen[str] | None = None

    def do(self, act: Act) -> None:
        if act is Act.START:
            with self._log.open("a") as log:
                environment = {**os.environ, "AGAIN_S": str(AGAIN_S)}
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env=environment
                )
            return
        assert self._process is not None
        assert self._process.stdin is not None
        if act is Act.STOP:
            self._process.kill()
            self._process.wait(10)
            self._process.stdin.close()
        else:
            self._process.stdin.write(f"{act}\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.do(Act.STOP)


def try_gateway(script: Path, folder: Path, patience_s: float) -> Findings:
    """Put one gateway through the course, on a broker of its own: whether the platform is there is said to all."""
    folder.mkdir()
    with running_server(Mosquitto, folder / "broker") as broker:
        gateway = TypedGateway(script, broker.port, HOME, folder)
        try:
            gateway.do(Act.START)
            with PlatformSide(
                CheckTarget(host="127.0.0.1", port=broker.port, community=COMMUNITY, home=HOME)
            ) as platform:
                platform.find(lambda _: True, 0, 2 * PATIENCE_S)  # a process that starts beside many others
                return Course(platform, gateway, patience_s=patience_s, quiet_s=4 * AGAIN_S, tell=lambda _: None).run()
        finally:
            gateway.stop()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> list[Findings]:
    """The findings about each broken copy of the reference gateway, tried side by side."""
    need_mosquitto()
    folder, source = tmp_path_factory.mktemp("broken"), REFERENCE.read_text(encoding="utf-8")
    scripts = []
    for number, (check, old, new) in enumerate(MISTAKES):
        assert source.count(old) >= 1, f"{check}: {old!r} is not in the reference gateway"
        script = folder / f"gateway_{number}.py"
        script.write_text(source.replace(old, new), encoding="utf-8")
        scripts.append(script)
    with ThreadPoolExecutor(10) as threads:
        return list(threads.map(lambda script: try_gateway(script, folder / script.stem, BROKEN_PATIENCE_S), scripts))


def test_the_reference_gateway_conforms(mosquitto: Mosquitto, tmp_path: Path) -> None:
    findings = try_gateway(REFERENCE, tmp_path / "reference", PATIENCE_S)
    assert findings.conforms, (findings.seen, findings.untried)


@pytest.mark.parametrize(
    "number", range(len(MISTAKES)), ids=[f"{check.name}-{n}" for n, (check, *_) in enumerate(MISTAKES)]
)
def test_a_planted_mistake_is_found(broken: list[Findings], number: int) -> None:
    check, _, new = MISTAKES[number]
    assert check in broken[number].failed, f"{new}: {broken[number].seen}; untried: {broken[number].untried}"


def test_every_check_can_fail() -> None:
    assert {check for check, *_ in MISTAKES} == set(Check)


class OurGateway:
    """`anju gateway run`, with what its devices say."""

    def __init__(self, gateway: Gateway, devices: Devices) -> None:
        self._gateway, self._devices, self._open = gateway, devices, False

    def do(self, act: Act) -> None:
        if act is Act.PRESS:
            self._devices.press()
        elif act is Act.MOVE:
            self._open = not self._open
            self._devices.say("zigbee2mqtt/door-0", {"contact": not self._open})
        elif act is Act.STOP:
            self._gateway.kill()
        else:
            self._gateway.start()


def test_our_own_gateway_conforms(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with running_server(Mosquitto, tmp_path / "bus") as bus:
        devices, gateway = Devices(bus.port), Gateway(tmp_path, mosquitto.port, bus.port)
        gateway.start()
        try:
            gateway.wait_connected()
            line = CheckTarget(host="127.0.0.1", port=mosquitto.port, community=COMMUNITY, home=HOME)
            with PlatformSide(line) as platform:
                ours = OurGateway(gateway, devices)
                findings = Course(platform, ours, patience_s=PATIENCE_S, quiet_s=6.0, tell=lambda _: None).run()
        finally:
            gateway.stop()
            devices.stop()
    assert findings.conforms, (findings.seen, findings.untried)


def test_beside_a_platform_the_kit_does_not_begin(mosquitto: Mosquitto) -> None:
    line = CheckTarget(host="127.0.0.1", port=mosquitto.port, community=COMMUNITY, home=HOME)
    with PlatformSide(line), pytest.raises(BrokerInUse), PlatformSide(replace(line, home="home-08")):
        pass
