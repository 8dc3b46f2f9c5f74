"""Builds the acknowledgements of a batch: how far each stream is stored, and which messages were refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from anju_platform.ingest.decode import Rejected, StreamKey
from anju_wire.messages import Ack, Refusal, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import DownLane

_MOST_REFUSALS = 100
_LONGEST_REASON = 300


def acks(
    upto: Mapping[StreamKey, int],
    homes: Mapping[StreamKey, Topic],
    refused: Iterable[Rejected],
    answered: tuple[int, str] = (0, ""),
    last: Mapping[StreamKey, int] | None = None,
) -> list[tuple[str, bytes]]:
    """Return the acknowledgement of each stream in `upto`, as topic and payload.

    upto: the last sequence number up to which each stream is stored. homes: a topic of each stream's home.
    answered: number and digest of the message of the alarm lane that is answered. last: the greatest number stored of a
    stream, by which a gateway sees that its spool went back in time.
    """
    refusals: dict[StreamKey, list[Refusal]] = defaultdict(list)
    for one in refused:
        if one.stream is not None and one.header is not None:
            refusal = Refusal(seq=one.header.seq, path=one.path, reason=one.reason[:_LONGEST_REASON])
            refusals[one.stream].append(refusal)
    seq, digest = answered
    return [
        (
            str(Topic(homes[key].community, homes[key].home, DownLane.ACK)),
            encode(
                Ack(
                    epoch=key[1],
                    lane=key[2],
                    upto=done,
                    refused=refusals[key][:_MOST_REFUSALS],
                    seq=seq,
                    digest=digest,
                    last=(last or {}).get(key, 0),
                )
            ),
        )
        for key, done in upto.items()
    ]
