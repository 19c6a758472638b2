"""What the ready-made dashboards name exists: topics and fields by our JSON Schemas, entities by what is announced."""

from __future__ import annotations

import json
import re

import pytest
from ruamel.yaml import YAML

from edge_fer.contract.messages import schemas
from tests import mqtt_page
from tests.deploy.dashboards import DEPLOY, GRAFANA, TELEGRAF, all_values, flattened
from tests.mqtt.announced import announced

DOCS = DEPLOY.parent / "docs"
FLOW = json.loads((DEPLOY / "node-red" / "flow.json").read_text())


def read_yaml(text):
    return YAML(typ="safe", pure=True).load(text)


def measurements():
    """What Telegraf makes of one example of each message: measurement to tags and names of fields."""
    found = {}
    for source in TELEGRAF["inputs"]["mqtt_consumer"]:
        (topic,) = source["topics"]
        message = mqtt_page.examples()[topic.rpartition("/")[2]]
        strings = set(source.get("json_string_fields", []))
        # what is null in the example is a number at other times
        nulls = {
            key
            for key, field in schemas()[topic.rpartition("/")[2]]["properties"].items()
            if message.get(key, "left out") is None and any("number" in option.values() for option in field["anyOf"])
        }
        found[source["name_override"]] = (source["tag_keys"], {*flattened(message), *strings, *nulls})
    return found


def entity_ids():
    """As Home Assistant makes them: of the platform, and of the names of device and entity."""
    components = announced("profile: counter\ncameras: {front: {}}")["components"].values()
    names = {(part["platform"], f"counter-1 {part['name']}") for part in components}
    return {f"{platform}.{re.sub('[^a-z0-9]+', '_', name.lower())}" for platform, name in names}


def mentioned(tree):
    found = [*all_values(tree, "entity"), *all_values(tree, "entity_id")]
    return {one for each in found for one in (each if isinstance(each, list) else [each]) if isinstance(one, str)}


class TestHomeAssistant:
    @pytest.mark.parametrize("file", ["dashboard.yaml", "automations.yaml"])
    def test_every_entity_is_announced(self, file):
        entities = mentioned(read_yaml((DEPLOY / "homeassistant" / file).read_text()))
        assert entities
        assert entities <= entity_ids()

    def test_every_attribute_of_the_automations_is_in_the_message(self):
        text = (DEPLOY / "homeassistant" / "automations.yaml").read_text()
        attributes = set(re.findall(r"to_state\.attributes\.(\w+)", text))
        assert attributes
        assert attributes <= schemas()["alert_event"]["properties"].keys()

    def test_the_cards_are_home_assistants_own(self):
        dashboard = read_yaml((DEPLOY / "homeassistant" / "dashboard.yaml").read_text())
        known = {"vertical-stack", "glance", "gauge", "entities", "history-graph", "logbook"}
        assert set(all_values(dashboard, "type")) == known

    def test_the_examples_on_the_page_are_yaml_and_name_what_there_is(self):
        text = (DOCS / "homeassistant.md").read_text(encoding="utf-8")
        blocks = [read_yaml(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
        assert blocks
        assert mentioned(blocks) <= entity_ids()


class TestNodeRed:
    def test_every_topic_is_one_of_ours_and_every_field_is_in_its_message(self):
        topics = {node["topic"]: node["datatype"] for node in FLOW if node["type"] == "mqtt in"}
        assert topics == {
            "edge-fer/+/camera/+/alert_event": "json",
            "edge-fer/+/availability": "utf8",
            "edge-fer/+/camera/+/availability": "utf8",
        }
        fields = set(re.findall(r"payload\.(\w+)", json.dumps(FLOW)))
        assert fields
        assert fields <= schemas()["alert_event"]["properties"].keys()

    def test_every_wire_leads_somewhere(self):
        ids = {node["id"] for node in FLOW}
        assert len(ids) == len(FLOW)
        assert {target for node in FLOW for wire in node.get("wires", []) for target in wire} <= ids


class TestTelegraf:
    def test_every_source_names_one_kind_of_message_and_fields_of_it(self):
        for source in TELEGRAF["inputs"]["mqtt_consumer"]:
            (topic,) = source["topics"]
            assert re.fullmatch(r"edge-fer/\+/(camera/\+/)?[a-z_]+", topic)
            schema = schemas()[topic.rpartition("/")[2]]
            named = {*source["tag_keys"], *source.get("json_string_fields", []), source["json_time_key"]}
            assert named <= schema["properties"].keys()
            assert source["data_format"] == "json"

    def test_what_it_must_not_miss_it_asks_for_with_a_session_of_its_own(self):
        for source in TELEGRAF["inputs"]["mqtt_consumer"]:
            needed = source["name_override"] in {"edge_fer_summary", "edge_fer_alert"}
            assert source.get("persistent_session", False) is needed
            assert bool(source.get("client_id")) is needed, "or the broker cannot tell whose it is"
        ids = [source["client_id"] for source in TELEGRAF["inputs"]["mqtt_consumer"] if "client_id" in source]
        assert len(ids) == len(set(ids))

    def test_nothing_about_single_people_is_taken_over(self):
        for tags, fields in measurements().values():
            assert not {"track_id", "emotion", "quality"} & {*tags, *fields}

    def test_no_password_stands_in_it(self):
        passwords = all_values(TELEGRAF, "password")
        assert passwords
        assert all(re.fullmatch(r"\$\{[A-Z_]+\}", password) for password in passwords)


class TestGrafana:
    QUERIES = tuple(sorted({*all_values(GRAFANA, "query")} - {None}))

    def test_there_are_queries(self):
        assert len(self.QUERIES) >= 12

    @pytest.mark.parametrize("query", QUERIES)
    def test_every_query_asks_for_what_telegraf_writes(self, query):
        (measurement,) = re.findall(r'FROM "(\w+)"', query)
        tags, fields = measurements()[measurement]
        names = set(re.findall(r'"(\w+)"', query)) - {measurement}
        assert names <= {*tags, *fields}
        for pattern in re.findall(r"\(/(.+?)/\)", query):
            assert any(re.search(pattern, field) for field in fields), pattern

    @pytest.mark.parametrize("query", QUERIES)
    def test_windows_are_told_apart(self, query):
        """Or what is in a quarter of an hour would be counted again in its hour."""
        assert ("edge_fer_summary" not in query) or re.search(r"\"window\" = '(15m|1h)'", query)

    def test_the_windows_are_among_those_that_are_told_by_default(self):
        from edge_fer.config.sections.summaries import SummariesSection

        assert {900.0, 3600.0} <= set(SummariesSection().windows)

    def test_every_variable_is_used_and_every_one_used_exists(self):
        used = set(re.findall(r"\$(\w+)", " ".join(self.QUERIES))) - {"timeFilter", "__interval"}
        assert used == {variable["name"] for variable in GRAFANA["templating"]["list"]}

    def test_panels_do_not_overlap_and_have_ids_of_their_own(self):
        cells = set()
        for panel in GRAFANA["panels"]:
            at = panel["gridPos"]
            own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not own & cells
            cells |= own
        assert len({panel["id"] for panel in GRAFANA["panels"]}) == len(GRAFANA["panels"])
