"""`anju broker`: amqtt as an embedded MQTT 3.1.1 broker for the demo and for development.

The subclasses correct what amqtt 0.12 does that would lose or misplace messages; their docstrings say what. Sessions
and retained messages stay in memory, so that a killed broker loses them. Between gateway and platform nothing is lost:
both retransmit until the other end has acknowledged. Not for a real district.

Nobody is let in without a password, and each listener has its own users (`broker_access`): what a connection says first
is read and judged here, before amqtt looks up or deletes the session of the client id that it names.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import typer
from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import Action
from amqtt.mqtt.constants import QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import ApplicationMessage, OutgoingApplicationMessage, Session

from anju_cli.broker_access import AccessFileInvalid, AccessRules, load_access
from anju_cli.broker_doors import AfterConnect, Door

_TAKE_OVER_S = 2.0
"""Longest wait for a session's former connection to end before the new one is served, s."""
_GOODBYE_S = 1.0
_PLATFORM_CONNECTIONS = 32
_HOMES, _PLATFORM = "default", "platform"
"""Listeners; amqtt wants one that is called `default`."""


class LetInAlready(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Accepts every client: `EmbeddedBroker` has judged it. Without such a plugin amqtt refuses all."""

    async def authenticate(self, *, session: Session) -> bool:  # noqa: ARG002 - amqtt's signature
        """Return True for every client."""
        return True

    @dataclass
    class Config:
        """No options."""


class RetransmittingHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
    """Keeps a QoS-1 message until its PUBACK, across reconnections.

    amqtt gives up after 5 s and forgets what was in flight when a connection ends; a gateway that is killed between
    receiving and spooling a press would lose it.
    """

    async def _handle_qos1_message_flow(self, app_message: ApplicationMessage) -> None:
        if not isinstance(app_message, OutgoingApplicationMessage):
            await super()._handle_qos1_message_flow(app_message)
            return
        session, number = self.session, app_message.packet_id
        packet = app_message.build_publish_packet(dup=app_message.publish_packet is not None)
        app_message.publish_packet = packet
        session.inflight_out[number] = app_message
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._puback_waiters[number] = waiter
        await self._send_packet(packet)
        try:
            app_message.puback_packet = await waiter
            session.inflight_out.pop(number, None)
        except asyncio.CancelledError:
            return
        finally:
            if self._puback_waiters.get(number) is waiter:
                del self._puback_waiters[number]

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Drop the message at once: the end of the connection may cancel its task before that could."""
        self.session.inflight_out.pop(puback.variable_header.packet_id, None)
        await super().handle_puback(puback)

    async def _retry_deliveries(self) -> None:
        """Retransmit what was in flight, without making the connection wait for the acknowledgements."""
        loop = asyncio.get_running_loop()
        waiting = [message for message in self.session.inflight_out.values() if message.qos == QOS_1]
        self._retries = [loop.create_task(self._handle_qos1_message_flow(message)) for message in waiting]


class EmbeddedBroker(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt with users, retransmission, one connection per session, and retained messages for subscribers only.

    A name belongs to one listener; raises `AccessFileInvalid` where two have the same.
    """

    def __init__(self, bind: str, doors: Mapping[str, Door]) -> None:
        self._doors = dict(doors)
        self._access_of: dict[str, AccessRules] = {}
        for door in self._doors.values():
            if door.access is None:
                continue
            for user in door.access.hashes:
                if self._access_of.setdefault(user, door.access) is not door.access:
                    raise AccessFileInvalid(Path(user), "this name stands for two listeners")
        plugins: dict[str, dict[str, object]] = {f"{LetInAlready.__module__}.{LetInAlready.__name__}": {}}
        listeners: dict[str, dict[str, object]] = {
            name: {"type": "tcp", "bind": f"{bind}:{door.port}", "max_connections": 0} for name, door in doors.items()
        }
        super().__init__({"listeners": listeners, "plugins": plugins})

    async def _client_connected(self, listener_name: str, reader: ReaderAdapter, writer: WriterAdapter) -> None:
        """Serve a connection that has a place and a password; end every other, and say no more than that."""
        door = self._doors[listener_name]
        door.inside += 1
        try:
            connect = await door.read_connect(reader, writer) if door.inside <= door.most else None
            if connect is not None:
                await self._end_former(connect.client_id)
                await super()._client_connected(listener_name, AfterConnect(bytes(connect.to_bytes()), reader), writer)
        finally:
            door.inside -= 1
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await writer.close()

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        """Return whether a session's user may publish on a topic or subscribe to a filter."""
        if all(door.access is None for door in self._doors.values()):
            return True
        access = self._access_of.get(session.username or "")
        if access is None:
            return False
        allowed = access.may_publish if action is Action.PUBLISH else access.may_subscribe
        return allowed(session.username, topic)

    async def _handle_client_session(
        self, reader: object, writer: object, client_session: Session, *rest: object
    ) -> None:
        """Serve a connection with our handler."""
        _, server, listener = rest
        handler = RetransmittingHandler(self.plugins_manager)
        with contextlib.suppress(ConnectionError):
            await super()._handle_client_session(reader, writer, client_session, handler, server, listener)

    async def _end_former(self, client_id: str) -> None:
        """End the connection that has this client id, and wait until it has ended.

        Two with a lasting session share one `Session`: amqtt marks it disconnected if the old connection ends after the
        new one has begun, and from then on delivers nothing. Of those without one, amqtt would leave both connected.
        """
        session, handler = self._sessions.get(client_id, (None, None))
        if session is None or session.transitions.state != "connected":
            return
        await handler.handle_connection_closed()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TAKE_OVER_S):
                while session.transitions.state == "connected":  # noqa: ASYNC110 - amqtt has no event for it
                    await asyncio.sleep(0.01)

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Deliver what was queued while the client was away, as live messages: amqtt would mark them as retained."""
        handler = self._get_handler(session)
        while handler and not session.retained_messages.empty():
            queued: RetainedApplicationMessage = session.retained_messages.get_nowait()
            task = asyncio.ensure_future(handler.mqtt_publish(queued.topic, queued.data, queued.qos, retain=False))
            self._tasks_queue.append(task)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Deliver retained messages to this subscriber only: amqtt sends reconnecting clients those of everybody."""
        holders = self._subscriptions.get(subscription[0], [])
        if any(holder.client_id == session.client_id for holder, _ in holders):
            handler = self._get_handler(session)
            for topic, kept in list(self._retained_messages.items()):
                if handler and self._matches(topic, subscription[0]):
                    qos = min(subscription[1], kept.qos or 0)
                    task = asyncio.ensure_future(handler.mqtt_publish(topic, kept.data, qos, retain=True))
                    self._tasks_queue.append(task)


async def run_broker(bind: str, doors: Mapping[str, Door]) -> None:
    """Run until SIGINT or SIGTERM; prints `broker ready <bind>:<port>`. Raises `amqtt.errors.BrokerError`."""
    broker = EmbeddedBroker(bind, doors)
    await broker.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(name, stop.set)
    typer.echo(f"broker ready {bind}:{doors[_HOMES].port}")
    await stop.wait()
    await broker.shutdown()


def command(
    port: int = typer.Option(..., min=1, max=65535, help="TCP port."),
    bind: str = typer.Option("127.0.0.1", help="Address."),
    *,
    users: Path | None = typer.Option(None, help="PATH.passwords and PATH.acl say who may do what, as for Mosquitto."),
    platform_port: int | None = typer.Option(None, min=1, max=65535, help="TCP port of the platform alone."),
    platform_users: Path | None = typer.Option(None, help="The same as --users, for the platform's port."),
    max_connections: int = typer.Option(512, min=1, help="Most clients at once; the platform's port has 32 more."),
    anonymous: bool = typer.Option(False, "--anonymous", help="Let everybody in (tests and benchmarks, loopback)."),
    verbose: bool = typer.Option(False, "--verbose", help="Show amqtt's own log."),
) -> None:
    """Run an embedded MQTT broker for demo and development; it lets in those who have a password."""
    logging.basicConfig(level=logging.INFO if verbose else logging.CRITICAL)
    if anonymous == (users is not None):
        raise typer.BadParameter("say who may sign in, or --anonymous for everybody", param_hint="--users")
    if anonymous and not _is_loopback(bind):
        raise typer.BadParameter("everybody on the network would be let in", param_hint="--anonymous")
    if (platform_port is None) != (platform_users is None):
        raise typer.BadParameter("goes with --platform-port", param_hint="--platform-users")
    try:
        doors = {_HOMES: Door(port, load_access(users, bind_ids=True) if users else None, max_connections)}
        if platform_port and platform_users:
            access = load_access(platform_users, bind_ids=False)
            doors[_PLATFORM] = Door(platform_port, access, _PLATFORM_CONNECTIONS)
        asyncio.run(run_broker(bind, doors))
    except AccessFileInvalid as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    except Exception as error:
        if not isinstance(error.__cause__ or error, OSError):
            raise
        typer.echo(f"cannot listen on {bind}:{port}: {error.__cause__ or error}", err=True)
        raise typer.Exit(1) from None


def _is_loopback(bind: str) -> bool:
    try:
        return bind == "localhost" or ip_address(bind.strip("[]")).is_loopback
    except ValueError:
        return False
