"""Model files are kept whole or not at all."""

from __future__ import annotations

import hashlib
import stat

import pytest

from edge_fer.errors import FetchError, ModelError
from edge_fer.inference.catalogue import ALL, Asset, OnWeb
from edge_fer.inference.store import Store

CONTENT = bytes(range(256)) * 400
ASSET = Asset(
    "some.tflite",
    hashlib.sha256(CONTENT).hexdigest(),
    len(CONTENT),
    "blazeface",
    OnWeb("https://example.org/"),
    "Apache-2.0",
)


def test_keeps_and_gives_out(tmp_path):
    store = Store(tmp_path / "deep" / "models")
    assert not store.has(ASSET)
    path = store.keep(ASSET, iter([CONTENT[:1000], CONTENT[1000:]]), origin="here")
    assert store.has(ASSET)
    assert store.read(ASSET) == CONTENT
    # the service runs as another user
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in store.folder.iterdir()] == [ASSET.file]


@pytest.mark.parametrize(
    "content",
    [b"", CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x", CONTENT * 30],
    ids=["empty", "cut short", "longer", "one byte changed", "far too large"],
)
def test_keeps_nothing_else(tmp_path, content):
    store = Store(tmp_path)
    with pytest.raises(FetchError, match=r"here: what came for some\.tflite has \d+ bytes and sha256"):
        store.keep(ASSET, [content], origin="here")
    assert list(tmp_path.iterdir()) == []


def test_what_breaks_off_leaves_what_was_there(tmp_path):
    store = Store(tmp_path)
    store.path(ASSET).write_bytes(b"old")

    def breaks_off():
        yield CONTENT[:5000]
        msg = "gone"
        raise FetchError(msg)

    with pytest.raises(FetchError, match="gone"):
        store.keep(ASSET, breaks_off(), origin="here")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(ASSET.file, b"old")]


def test_mends_what_is_damaged(tmp_path):
    store = Store(tmp_path)
    store.path(ASSET).write_bytes(CONTENT[:-1])
    assert not store.has(ASSET)
    with pytest.raises(ModelError, match=r"some\.tflite: damaged.*edge-fer models fetch blazeface"):
        store.read(ASSET)
    store.keep(ASSET, [CONTENT], origin="here")
    assert store.has(ASSET)


def test_a_folder_that_cannot_be_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"file/models: cannot keep model files there: .*models_dir=FOLDER"):
        Store(tmp_path / "file" / "models").keep(ASSET, [CONTENT], origin="here")


def test_catalogue_is_complete():
    assert len({asset.file for asset in ALL}) == len(ALL)
    for asset in ALL:
        assert len(bytes.fromhex(asset.sha256)) == 32
        assert asset.size > 0
        assert asset.licence
