"""The AsyncAPI document says what the code does: channels, fields, words, and examples that can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
import yaml

from anju_wire import messages
from anju_wire.messages import Envelope, decode
from anju_wire.profiles import QUANTITIES, Quantity
from anju_wire.senml import resolve
from anju_wire.topics import PLATFORM_STATUS, Topic
from anju_wire.vocabulary import Announcement, AnnouncementKey, DownLane, Lane

PATH = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def examples() -> Iterator[tuple[str, str, Any]]:
    for name, message in DOCUMENT["components"]["messages"].items():
        for example in message["examples"]:
            yield name, message["payload"]["$ref"].rpartition("/")[2], example["payload"]


def packs() -> Iterator[tuple[str, Envelope]]:
    for name, schema, payload in examples():
        if schema == "Envelope":
            yield name, decode(Envelope, json.dumps(payload).encode())


def follow(reference: str) -> Any:  # noqa: ANN401 - a document's node is of any type
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_is_asyncapi_3_and_every_reference_leads_somewhere() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        assert follow(reference)


def test_every_lane_has_its_channel_with_its_address() -> None:
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    lanes = {str(Topic("c", "h", lane)) for lane in (*Lane, *DownLane)}
    assert {a.replace("{community}", "c").replace("{home}", "h") for a in addresses} == lanes | {PLATFORM_STATUS}


def test_the_platform_receives_what_comes_up_and_sends_what_goes_down() -> None:
    actions = {op["channel"]["$ref"].rpartition("/")[2]: op["action"] for op in DOCUMENT["operations"].values()}
    assert actions == {
        **dict.fromkeys(map(str, Lane), "receive"),
        **dict.fromkeys(map(str, DownLane), "send"),
        "platformStatus": "send",
    }
    retained = {
        op["channel"]["$ref"].rpartition("/")[2]
        for op in DOCUMENT["operations"].values()
        if op["bindings"]["mqtt"].get("retain")
    }
    assert retained == {"status", "platformStatus"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_has_the_fields_of_its_message(name: str) -> None:
    fields = msgspec.structs.fields(getattr(messages, name))
    assert list(SCHEMAS[name]["properties"]) == [field.encode_name for field in fields]
    assert SCHEMAS[name]["required"] == [field.encode_name for field in fields if field.required]
    (generated,) = (c for key, c in msgspec.json.schema_components([getattr(messages, name)])[1].items() if key == name)
    for field, schema in generated["properties"].items():
        said = SCHEMAS[name]["properties"][field]
        if "type" in schema:
            assert said["type"] == schema["type"], field
        elif "anyOf" in schema:
            assert sorted(said["type"]) == sorted(option["type"] for option in schema["anyOf"]), field


@pytest.mark.parametrize(("message", "schema", "payload"), list(examples()))
def test_an_example_is_valid_and_can_be_read(message: str, schema: str, payload: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **DOCUMENT})
    assert [error.message for error in validator.iter_errors(payload)] == []
    decode(getattr(messages, schema), json.dumps(payload).encode())
    broken = {key: value for key, value in payload.items() if key != next(iter(payload))}
    assert list(validator.iter_errors(broken)), f"the schema of {message} lets anything pass"


def test_the_examples_show_every_quantity_on_its_lane() -> None:
    shown = {(name, record.quantity) for name, envelope in packs() for record in resolve(envelope.pack)}
    assert shown >= {(str(row.lane), row.quantity) for row in QUANTITIES.values()}


def test_every_word_is_listed() -> None:
    assert set(SCHEMAS["Record"]["properties"]["n"]["x-quantities"]) == set(Quantity)
    assert set(SCHEMAS["Command"]["properties"]["announce"]["enum"]) == set(Announcement)
    assert set(SCHEMAS["Command"]["properties"]["key"]["x-keys"]) == set(AnnouncementKey)
    assert set(SCHEMAS["Ack"]["properties"]["lane"]["enum"]) == set(Lane)


def test_units_are_those_of_the_vocabulary() -> None:
    for _, envelope in packs():
        for record, found in zip(envelope.pack, resolve(envelope.pack), strict=True):
            assert record.u == QUANTITIES[Quantity(found.quantity)].unit
