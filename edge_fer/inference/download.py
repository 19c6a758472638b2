"""Getting model files from where they live: out of a package index, from the web, or from a file at hand."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from edge_fer.errors import FetchError
from edge_fer.inference.catalogue import Asset, InWheel, OnWeb
from edge_fer.inference.store import Store
from edge_fer.support.files import open_file

__all__ = ["fetch", "take"]

CHUNK = 65_536
#: Seconds without a byte after which a server counts as gone.
PATIENCE = 30
#: Seconds after which pip is given up, whatever it does.
PIP_PATIENCE = 900


def fetch(store: Store, assets: Sequence[Asset]) -> None:
    """Gets files from their homes into the store; several out of one wheel with one download.

    Raises:
        FetchError: a home cannot be reached, or gives another file than it should; what came before is kept.
    """
    for home, group in groupby(assets, key=lambda asset: _download_of(asset.home)):
        together = list(group)
        if isinstance(home, str):
            for asset in together:
                store.keep(asset, _of_web(home), origin=home)
        else:
            with tempfile.TemporaryDirectory(prefix="edge-fer-") as folder:
                take(store, together, _wheel(*home, folder=Path(folder)))


def take(store: Store, assets: Iterable[Asset], file: Path) -> None:
    """Gets files out of a wheel at hand, or takes a model file itself.

    Raises:
        FetchError: `file` cannot be read, or holds other files.
    """
    for asset in assets:
        with _reading(file):
            # by its name, because a TFLite file with metadata is a zip file too
            if file.suffix == ".whl":
                store.keep(asset, _of_wheel(file, asset), origin=str(file))
            else:
                store.keep(asset, _of_file(file), origin=str(file))


def _download_of(home: InWheel | OnWeb) -> str | tuple[str, str, str]:
    """What has to be downloaded: an address, or what pip must be told."""
    return home.url if isinstance(home, OnWeb) else (home.requirement, home.platform, home.python)


def _wheel(requirement: str, platform: str, python: str, *, folder: Path) -> Path:
    """Downloads a wheel with pip, so that the user's own indexes, proxies and certificates are used."""
    what = ["download", "--no-deps", "--only-binary=:all:", "--implementation=cp", f"--platform={platform}"]
    what += [f"--python-version={python}", requirement]
    how = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries=2", f"--dest={folder}"]
    command = [sys.executable, "-m", "pip", *what, *how]
    at_hand = f"On a machine that can: pip {' '.join(what)}; then here: edge-fer models fetch --from FILE.whl"
    try:
        # only our own words, and no shell
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"pip could not download {requirement}: {error}"
        raise FetchError(msg, remedy=at_hand) from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No module named pip" in done.stderr:
        msg = f"{requirement} is downloaded by pip, which {sys.executable} does not have"
        raise FetchError(msg, remedy=f"Install it (apt install python3-pip, or python -m ensurepip). {at_hand}")
    said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING: Location")]
    why = next((line for line in reversed(said) if line.startswith("ERROR")), said[-1] if said else "it said nothing")
    msg = f"pip could not download {requirement}: {why.removeprefix('ERROR: ').rstrip('.')}"
    raise FetchError(msg, remedy=f"Check the network and pip's index. {at_hand}")


def _of_wheel(wheel: Path, asset: Asset) -> Iterator[bytes]:
    if not isinstance(asset.home, InWheel):
        msg = f"{wheel}: {asset.file} comes in no wheel"
        raise FetchError(msg, remedy=f"Name the file itself, from {asset.home.url}")
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(asset.home.member) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except KeyError as error:
        msg = f"{wheel}: there is no {asset.home.member} in it"
        raise FetchError(msg, remedy=f"Take the wheel of {asset.home.requirement}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        msg = f"{wheel}: damaged: {error}"
        raise FetchError(msg, remedy="Download it again") from error


def _of_file(path: Path) -> Iterator[bytes]:
    with open_file(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        with open_file(file):
            pass
        yield
    except OSError as error:
        if isinstance(error, FetchError):
            raise
        msg = f"{file}: cannot read it: {error.strerror}"
        raise FetchError(msg, remedy="Check the path and its permissions") from error


def _of_web(url: str) -> Iterator[bytes]:
    remedy = f"Check the network; or get it elsewhere from {url} and: edge-fer models fetch yunet --from FILE"
    if not url.startswith(("https://", "http://")):
        msg = f"{url}: neither an https:// nor an http:// address"
        raise FetchError(msg, remedy=remedy)
    try:
        # with a context of its own: the one that urllib makes by itself, it keeps, whatever the environment says later
        trusted = ssl.create_default_context()
        with urllib.request.urlopen(url, timeout=PATIENCE, context=trusted) as answer:  # noqa: S310 - the scheme was looked at
            while chunk := answer.read(CHUNK):
                yield chunk
    except (OSError, http.client.HTTPException) as error:
        msg = f"{url}: cannot be downloaded: {getattr(error, 'reason', None) or error}"
        raise FetchError(msg, remedy=remedy) from error
