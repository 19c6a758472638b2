from __future__ import annotations

import argparse
import json

import pytest

from edge_fer.cli import config
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.config import BOOT_FILE, ConfigFaults, Layer, load
from edge_fer.config.output.default import default_yaml
from tests.config.loading import load_text


@pytest.fixture(autouse=True)
def _no_files_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setattr("edge_fer.config.engine.loading.SYSTEM_FILE", tmp_path / "etc.yaml")
    monkeypatch.setattr("edge_fer.config.engine.loading.BOOT_COPY", tmp_path / "boot.yaml")
    (tmp_path / "etc.yaml").write_text(f"state_dir: {tmp_path}", encoding="utf-8")


def _run(*arguments):
    parser = argparse.ArgumentParser(prog="edge-fer")
    config.add_parser(parser.add_subparsers())
    args = parser.parse_args(["config", *arguments])
    return args.handler(args)


def test_check_names_the_layers_it_read(tmp_path, capsys):
    (tmp_path / "boot.yaml").write_text("faces: {confirm: 4}", encoding="utf-8")
    assert _run("check", "-o", "faces.confirm=5") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "The config is valid. Its layers, the lowest first:",
        "  default",
        "  profile counter",
        f"  {tmp_path / 'etc.yaml'}",
        f"  {BOOT_FILE}",
        "  -o faces.confirm=5",
    ]
    assert err == ""


def test_check_tells_the_faults_of_all_layers(tmp_path):
    (tmp_path / "boot.yaml").write_text("faces: {confirm: 400}", encoding="utf-8")
    (tmp_path / "settings.yaml").write_text("nodes: {}", encoding="utf-8")
    with pytest.raises(ConfigFaults) as raised:
        _run("check", "--set", "log_level=loud")
    assert [fault.path for fault in raised.value.faults] == ["faces.confirm", "log_level"], (
        "settings that no longer fit are set aside"
    )
    assert raised.value.exit_code == 78


@pytest.mark.parametrize("verb", ["check", "explain"])
def test_a_config_that_is_named_must_be_there(tmp_path, verb):
    with pytest.raises(ConfigFaults, match="does not exist"):
        _run(verb, "--config", str(tmp_path / "none.yaml"))


def test_explain_shows_value_and_origin(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("\nfaces:\n  min_size: 64px\n", encoding="utf-8")
    assert _run("explain", "--config", str(file), "-o", f"state_dir={tmp_path}") == 0
    rows = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["faces.min_size", "64px", f"{file}:3"] in rows
    assert ["faces.confirm", "3", "default"] in rows


def test_default_prints_a_config_that_loads(tmp_path, capsys):
    assert _run("default") == 0
    out = capsys.readouterr().out
    assert out == default_yaml()
    assert load_text(tmp_path, out).config == load(environ={}, settings=False).config
    assert _run("default", "--commented") == 0
    assert capsys.readouterr().out == default_yaml(commented=True)


def test_schema_prints_json(capsys):
    assert _run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "edge-fer"


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("check", "-o", "faces.confirm")])
def test_a_wrong_command_line_is_told_with_exit_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as exited:
        _run(*arguments)
    assert exited.value.code == 2
    assert "edge-fer config" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("explain", "--help"), ("default", "--help")])
def test_help(capsys, arguments):
    with pytest.raises(SystemExit) as exited:
        _run(*arguments)
    assert exited.value.code == 0
    assert "config" in capsys.readouterr().out


def test_a_command_puts_its_own_layers_below_every_file(tmp_path):
    (tmp_path / "boot.yaml").write_text("faces: {confirm: 4}", encoding="utf-8")
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    demo = Layer.mapping("--demo", {"faces": {"confirm": 9, "min_size": "99px"}, "mqtt": {"broker": "embedded"}})
    loaded = load_from(parser.parse_args(["-o", "faces.min_size=50px"]), extra_layers=[demo])
    assert (loaded.config.faces.confirm, loaded.config.faces.min_size) == (4, 50)
    assert loaded.config.mqtt.broker == "embedded"
    assert loaded.layers[:3] == ("default", "profile counter", "--demo")
