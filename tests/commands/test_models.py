"""`edge-fer models`: out of a package index, off the web, out of a file; and never half of anything."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import ssl
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

from edge_fer.errors import FetchError
from edge_fer.inference.catalogue import BLAZEFACE, YUNET, Asset, OnWeb
from edge_fer.inference.download import fetch, take
from edge_fer.inference.store import Store
from tests.broker import Certificates
from tests.daemon import edge_fer
from tests.fetched import models_folder
from tests.shared import shared_data

WHEEL = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
FILES = [asset.file for asset in BLAZEFACE.values()]


def make_wheel(folder: Path, *, without: str = "", damaged: str = "") -> Path:
    """A wheel by the name of MediaPipe's, with nothing but the two models."""
    folder.mkdir(exist_ok=True)
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        for asset in BLAZEFACE.values():
            content = (models_folder() / asset.file).read_bytes()
            if asset.file != without:
                wheel.writestr(asset.home.member, content[:-1] if asset.file == damaged else content)
        info = "mediapipe-0.10.21.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def models(*arguments: str, folder: Path, **environment: str):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    settings = ("-o", f"models_dir={folder}")
    return edge_fer("models", *arguments, *settings, env=clean | {"PIP_CONFIG_FILE": os.devnull} | environment)


def test_pip_downloads_with_the_users_own_settings(tmp_path):
    wheels = make_wheel(tmp_path / "index").parent
    folder = tmp_path / "models"
    first = models("fetch", folder=folder, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
    assert (first.returncode, first.stderr) == (0, "")
    assert "Fetching" in first.stdout
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)
    # what is there is not fetched again: there is no index any more
    again = models("fetch", "blazeface", folder=folder, PIP_NO_INDEX="1")
    assert again.returncode == 0
    assert again.stdout.count("already there") == 2


def test_offline_it_says_one_clear_thing_and_leaves_nothing(tmp_path):
    folder = tmp_path / "models"
    done = models("fetch", folder=folder, PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "pip could not download mediapipe==0.10.21" in line
    assert "Check the network" in line
    assert "--from FILE.whl" in line
    assert not folder.exists()


def test_without_pip_it_says_so(tmp_path):
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text("raise SystemExit('/usr/bin/python3: No module named pip')")
    done = models("fetch", folder=tmp_path / "models", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "is downloaded by pip, which" in done.stderr
    assert "apt install python3-pip" in done.stderr


def test_takes_them_out_of_a_wheel_at_hand(tmp_path):
    folder = tmp_path / "models"
    done = models("fetch", "--from", str(make_wheel(tmp_path / "stick")), folder=folder, PIP_NO_INDEX="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"without": FILES[0]}, "there is no mediapipe/modules/face_detection/face_detection_short_range.tflite in it"),
        ({"damaged": FILES[1]}, f"what came for {FILES[1]} has 676745 bytes and sha256"),
    ],
)
def test_another_wheel_is_refused(tmp_path, fault, said):
    done = models("fetch", "--from", str(make_wheel(tmp_path / "stick", **fault)), folder=tmp_path / "models")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_a_file_that_is_no_wheel_is_refused(tmp_path, content):
    path = tmp_path / "some.whl"
    path.write_bytes(content)
    done = models("fetch", "--from", str(path), folder=tmp_path / "models")
    assert done.returncode == 1
    assert f"{path}: damaged: File is not a zip file. Download it again" in done.stderr


def test_a_wheel_that_was_cut_short_is_refused(tmp_path):
    path = make_wheel(tmp_path / "stick")
    content = bytearray(path.read_bytes())
    content[5000:60000] = bytes(55000)
    path.write_bytes(content)
    done = models("fetch", "--from", str(path), folder=tmp_path / "models")
    assert done.returncode == 1
    assert f"{path}: damaged: " in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_file_and_unknown_detector(tmp_path):
    done = models("fetch", "--from", str(tmp_path / "gone.whl"), folder=tmp_path / "models")
    assert done.returncode == 1
    assert "gone.whl: cannot read it: No such file" in done.stderr
    done = models("fetch", "haar", folder=tmp_path / "models")
    assert done.returncode == 1
    assert "`haar` needs no model file" in done.stderr
    assert "Name blazeface or yunet" in done.stderr


def test_list_says_what_is_there(tmp_path):
    shutil.copy(models_folder() / FILES[0], tmp_path)
    (tmp_path / FILES[1]).write_bytes(b"damaged")
    done = models("list", folder=tmp_path)
    assert done.returncode == 0
    states = [line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if "state" in line]
    assert states == ["there", "damaged", "not fetched"]
    assert BLAZEFACE["short"].sha256 in done.stdout


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A folder served over https, by a server that our TLS trusts."""
    certificates = Certificates(tmp_path / "tls")
    folder = tmp_path / "web"
    folder.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
        yield folder, f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def on_web(url: str) -> Asset:
    """The reference YuNet as if it were the zoo's."""
    content = (shared_data() / "reference" / "yunet_n_320_320.onnx").read_bytes()
    return Asset(YUNET.file, hashlib.sha256(content).hexdigest(), len(content), "yunet", OnWeb(url), "MIT")


def test_downloads_over_https(web, tmp_path):
    folder, address = web
    shutil.copy(shared_data() / "reference" / "yunet_n_320_320.onnx", folder / "model.onnx")
    store, asset = Store(tmp_path / "models"), on_web(f"{address}/model.onnx")
    fetch(store, [asset])
    assert store.has(asset)


def test_a_download_that_fails_leaves_nothing(web, tmp_path, monkeypatch):
    folder, address = web
    store = Store(tmp_path / "models")
    (folder / "model.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(FetchError, match=r"model\.onnx: what came for .* has 43 bytes"):
        fetch(store, [on_web(f"{address}/model.onnx")])
    with pytest.raises(FetchError, match=r"gone\.onnx: cannot be downloaded: .*models fetch yunet --from FILE"):
        fetch(store, [on_web(f"{address}/gone.onnx")])
    with pytest.raises(FetchError, match="neither an https:// nor an http:// address"):
        fetch(store, [on_web("file:///etc/passwd")])
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(store, [on_web(f"{address}/model.onnx")])
    assert list(store.folder.iterdir()) == []


def test_takes_a_model_file_at_hand(tmp_path):
    short = models_folder() / FILES[0]
    store = Store(tmp_path / "models")
    take(store, [BLAZEFACE["short"]], short)
    assert store.has(BLAZEFACE["short"])
    done = models("fetch", "yunet", "--from", str(short), folder=store.folder)
    assert done.returncode == 1
    assert f"{short}: what came for {YUNET.file} has 229714 bytes" in done.stderr
    done = models("fetch", "yunet", "--from", str(make_wheel(tmp_path / "stick")), folder=store.folder)
    assert done.returncode == 1
    assert f"{YUNET.file} comes in no wheel" in done.stderr
