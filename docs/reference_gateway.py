"""A whole gateway of one home in a few lines, as docs/protocol.md asks for it: a button and a motion sensor, typed.

python reference_gateway.py HOST PORT COMMUNITY/HOME GATEWAY SPOOL, then type `press` or `move`. Needs paho-mqtt alone.
"""

import json
import os
import re
import sqlite3
import sys
import threading
import time
from hashlib import blake2b

import paho.mqtt.client as mqtt

host, port, home, gateway, path = sys.argv[1:6]
AGAIN_S = float(os.environ.get("AGAIN_S", "5"))
lock, platform = threading.RLock(), {"online": True}
spool = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
spool.executescript("""PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS life (one PRIMARY KEY, epoch);
CREATE TABLE IF NOT EXISTS said (id PRIMARY KEY); CREATE TABLE IF NOT EXISTS number (lane PRIMARY KEY, next);
CREATE TABLE IF NOT EXISTS message (lane, seq, pack, PRIMARY KEY (lane, seq));
INSERT OR IGNORE INTO number VALUES ('alarm', 1), ('telemetry', 1);""")
spool.execute("INSERT OR IGNORE INTO life VALUES (1, ?)", (int(time.time() * 1000),))


def one(question, *values):
    return spool.execute(question, values).fetchone()


def put(lane, name, **value):
    """Spool one record, then send it; return its number."""
    with lock:
        seq = one("UPDATE number SET next = next + 1 WHERE lane = ? RETURNING next - 1", lane)[0]
        pack = json.dumps([{"n": name, "t": round(time.time(), 3), **value}])
        spool.execute("INSERT INTO message VALUES (?, ?, ?)", (lane, seq, pack))
        send(lane, seq)
    return seq


def envelope(lane, seq, pack):
    base = one("SELECT min(seq) FROM message WHERE lane = ?", lane)[0]
    head = {"gateway": gateway, "epoch": one("SELECT epoch FROM life")[0], "seq": seq, "base": base}
    return json.dumps({**head, "sent": round(time.time(), 3), "pack": json.loads(pack)}).encode()


def send(lane, first=0):
    """Send what is not acknowledged; while the platform is away, readings wait and alarms do not."""
    with lock:
        if clients[lane].is_connected() and (lane == "alarm" or platform["online"]):
            held = "SELECT seq, pack FROM message WHERE lane = ? AND seq >= ? ORDER BY seq LIMIT 32"
            for seq, pack in spool.execute(held, (lane, first)).fetchall():
                clients[lane].publish(f"anju/v1/{home}/{lane}", envelope(lane, seq, pack), qos=1)


def forget(ack):
    """Delete what the platform has stored: an alarm by its content, other lanes up to a number."""
    lane = ack["lane"]
    if lane in clients and ack["epoch"] == one("SELECT epoch FROM life")[0]:
        if ack.get("last", 0) >= one("SELECT next FROM number WHERE lane = ?", lane)[0]:  # this spool went back in time
            spool.execute("UPDATE life SET epoch = max(epoch + 1, ?)", (int(time.time() * 1000),))
            send("alarm"), send("telemetry")
        elif lane == "telemetry":
            spool.execute("DELETE FROM message WHERE lane = ? AND seq <= ?", (lane, ack["upto"]))
        elif row := one("SELECT pack FROM message WHERE lane = ? AND seq = ?", lane, ack["seq"]):
            content = re.sub(rb'"(?:sent|base)"\s*:\s*[-+0-9.eE]*', b"", envelope(lane, ack["seq"], row[0]))
            if blake2b(content, digest_size=16).hexdigest() == ack["digest"]:
                spool.execute("DELETE FROM message WHERE lane = ? AND seq = ?", (lane, ack["seq"]))


def say(command):
    """Tell the elder once for each id, and not when it is stale; the record settles the command."""
    if command["expires"] >= time.time() and not one("SELECT 1 FROM said WHERE id = ?", command["id"]):
        print("播报", command.get("zh") or command.get("key"), flush=True)
        spool.execute("INSERT INTO said VALUES (?)", (command["id"],))
        put("alarm", f"{gateway}/announced", vs=f"{command['announce']}:{command.get('alert')}:{command['id']}")


def came(_client, _data, message):
    try:
        told, kind = json.loads(message.payload), message.topic.rpartition("/")[2]
        with lock:
            if kind == "status":
                platform.update(online=told["online"])
                send("alarm"), send("telemetry")
            else:
                {"ack": forget, "command": say}[kind](told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        print("not understood:", error, file=sys.stderr)


def status(online):
    return json.dumps(
        {"gateway": gateway, "online": online, "at": time.time(), "epoch": one("SELECT epoch FROM life")[0]}
    )


def connected(client, lane, *_):
    if lane == "alarm":
        topics = (f"anju/v1/{home}/ack", f"anju/v1/{home}/command", "anju/v1/platform/status")
        client.subscribe([(topic, 1) for topic in topics])
        client.publish(f"anju/v1/{home}/status", status(True), qos=1, retain=True)
    send(lane)


clients = {}
for lane in ("alarm", "telemetry"):
    client = clients[lane] = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, f"{gateway}-{lane}", clean_session=lane == "telemetry", userdata=lane
    )
    client.on_connect, client.on_message = connected, came
    if lane == "alarm":
        client.will_set(f"anju/v1/{home}/status", status(False), qos=1, retain=True)
    client.reconnect_delay_set(1, 4)
    client.connect_async(host, int(port), 10)
    client.loop_start()


def again():
    while True:
        time.sleep(AGAIN_S)
        for lane in clients:
            send(lane)


threading.Thread(target=again, daemon=True).start()
for line in sys.stdin:
    if line.strip() == "press":
        number = put("alarm", "button/sos", vb=True)
        print("收到，正在联系", flush=True)
        put("alarm", f"{gateway}/announced", vs=f"heard:{number}")
    elif line.strip() == "move":
        put("telemetry", "motion-hall/occupancy", vb=True)
