"""`anju broker`: amqtt as an embedded MQTT 3.1.1 broker for the demo and for development.

The subclasses correct what amqtt 0.12 does that would lose or misplace messages; their docstrings say what. Sessions
and retained messages stay in memory, so that a killed broker loses them. Between gateway and platform nothing is lost:
both retransmit until the other end has acknowledged. Not for a real district.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from dataclasses import dataclass
from typing import Any

import typer
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.mqtt.constants import QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import ApplicationMessage, OutgoingApplicationMessage, Session

_TAKE_OVER_S = 2.0
"""Longest wait for a session's former connection to end before the new one is served, s."""


class AnonymousAccess(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Accepts every client and keeps its session; amqtt's own anonymous plugin drops it with the connection."""

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
    """amqtt with retransmission, one connection per session, and retained messages for subscribers only."""

    async def _handle_client_session(
        self, reader: object, writer: object, client_session: Session, *rest: object
    ) -> None:
        """Serve a connection with our handler, after the former connection of its session has ended.

        Both share one `Session`: amqtt marks it disconnected if the old connection ends after the new one has begun,
        and from then on delivers nothing.
        """
        _, server, listener = rest
        await self._end_former(client_session)
        handler = RetransmittingHandler(self.plugins_manager)
        with contextlib.suppress(ConnectionError):
            await super()._handle_client_session(reader, writer, client_session, handler, server, listener)

    async def _end_former(self, session: Session) -> None:
        known = self._sessions.get(session.client_id)
        if known is None or known[0] is not session or session.transitions.state != "connected":
            return
        await known[1].handle_connection_closed()
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


async def run_broker(bind: str, port: int) -> None:
    """Run until SIGINT or SIGTERM; prints `broker ready <bind>:<port>`. Raises `amqtt.errors.BrokerError`."""
    plugins: dict[str, dict[str, object]] = {f"{AnonymousAccess.__module__}.{AnonymousAccess.__name__}": {}}
    listener = {"type": "tcp", "bind": f"{bind}:{port}", "max_connections": 0}
    broker = EmbeddedBroker({"listeners": {"default": listener}, "plugins": plugins})
    await broker.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(name, stop.set)
    typer.echo(f"broker ready {bind}:{port}")
    await stop.wait()
    await broker.shutdown()


def command(
    port: int = typer.Option(..., min=1, max=65535, help="TCP port."),
    bind: str = typer.Option("127.0.0.1", help="Address; anybody who reaches it may publish and subscribe."),
    *,
    verbose: bool = typer.Option(False, "--verbose", help="Show amqtt's own log."),
) -> None:
    """Run an embedded MQTT broker (no passwords: loopback only)."""
    logging.basicConfig(level=logging.INFO if verbose else logging.CRITICAL)
    try:
        asyncio.run(run_broker(bind, port))
    except Exception as error:
        if not isinstance(error.__cause__ or error, OSError):
            raise
        typer.echo(f"cannot listen on {bind}:{port}: {error.__cause__ or error}", err=True)
        raise typer.Exit(1) from None
