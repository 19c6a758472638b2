"""Grafana's queries in a real InfluxDB, with what Telegraf's `json` format makes of our messages.

Needs influxd (Debian's package influxdb), or a command that runs it in EDGE_FER_INFLUXD.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from datetime import datetime

import pytest

from tests import mqtt_page
from tests.broker import HOST, free_port
from tests.deploy.dashboards import GRAFANA, TELEGRAF, all_values, flattened

INFLUXD = os.environ.get("EDGE_FER_INFLUXD") or shutil.which("influxd")
QUERIES = sorted({*all_values(GRAFANA, "query")})


def points():
    """One example of each message in InfluxDB's line protocol, and a summary of each window."""
    for source in TELEGRAF["inputs"]["mqtt_consumer"]:
        kind = source["topics"][0].rpartition("/")[2]
        for window in ("1m", "15m", "1h"):
            message = mqtt_page.examples()[kind]
            message |= {"summary": {"window": window}, "alert_event": {"reason": "left"}}.get(kind, {})
            tags = ",".join(f"{key}={message[key]}" for key in sorted(source["tag_keys"]))
            strings = {key: message[key] for key in source.get("json_string_fields", []) if message[key] is not None}
            fields = ",".join(f"{key}={json.dumps(value)}" for key, value in (flattened(message) | strings).items())
            moment = datetime.fromisoformat(message[source["json_time_key"]])
            yield f"{source['name_override']},{tags} {fields} {int(moment.timestamp()) * 10**9}"


class InfluxDb:
    def __init__(self, folder):
        self.address = f"{HOST}:{free_port()}"
        self.environment = os.environ | {
            "INFLUXDB_DATA_DIR": f"{folder}/data",
            "INFLUXDB_META_DIR": f"{folder}/meta",
            "INFLUXDB_DATA_WAL_DIR": f"{folder}/wal",
            "INFLUXDB_HTTP_BIND_ADDRESS": self.address,
            "INFLUXDB_BIND_ADDRESS": f"{HOST}:{free_port()}",
            "INFLUXDB_REPORTING_DISABLED": "true",
        }

    def __enter__(self):
        command = shlex.split(INFLUXD)
        self.process = subprocess.Popen(
            command, env=self.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ask("CREATE DATABASE edge_fer")
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def write(self, lines):
        self._post("/write?db=edge_fer", "\n".join(lines))

    def ask(self, query):
        (result,) = json.loads(self._post("/query?db=edge_fer", urllib.parse.urlencode({"q": query})))["results"]
        assert "error" not in result, result["error"]
        return result.get("series", [])

    def _post(self, path, body):
        request = urllib.request.Request(f"http://{self.address}{path}", data=body.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.read()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    if INFLUXD is None:
        pytest.skip("needs InfluxDB (apt install influxdb)")
    with InfluxDb(tmp_path_factory.mktemp("influxdb")) as found:
        found.write(points())
        yield found


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_has_an_answer(database, query):
    """As Grafana asks it, once it has put its variables in."""
    variables = {
        "$timeFilter": "time >= '2026-01-01T00:00:00Z' AND time < '2026-01-02T00:00:00Z'",
        "$__interval": "5m",
        "$node": "(counter-1)",
        "$camera": "(front)",
    }
    for name, value in variables.items():
        query = query.replace(name, value)
    (series, *_) = database.ask(query)
    assert any(value is not None for row in series["values"] for value in row[1:])
