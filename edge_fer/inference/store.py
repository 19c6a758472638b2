"""The folder of fetched model files."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edge_fer.errors import FetchError, ModelError
from edge_fer.inference.catalogue import Asset
from edge_fer.support.files import open_file

__all__ = ["Store"]

#: A file this many times larger than it should be is not read to its end.
TOO_MUCH = 2


class Store:
    """Keeps model files; nothing is kept, and nothing given out, that does not hash to what it should.

    Attributes:
        folder: where; made when the first file is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, asset: Asset) -> Path:
        """Where the file is, or would be."""
        return self.folder / asset.file

    def has(self, asset: Asset) -> bool:
        """Whether the file is there and undamaged."""
        try:
            self.read(asset)
        except ModelError:
            return False
        return True

    def read(self, asset: Asset) -> bytes:
        """The file's content.

        Raises:
            ModelError: it is missing, cannot be read, or is damaged.
        """
        path, remedy = self.path(asset), f"Fetch it: edge-fer models fetch {asset.detector}"
        try:
            with open_file(path) as file:
                content = file.read(asset.size + 1)
        except OSError as error:
            msg = f"{path}: cannot read the model for `faces.detector: {asset.detector}`: {error.strerror}"
            raise ModelError(msg, remedy=remedy) from error
        if _sha256([content]) != asset.sha256:
            msg = f"{path}: damaged, or another file than {asset.file} with sha256 {asset.sha256}"
            raise ModelError(msg, remedy=remedy)
        return content

    def check_writable(self) -> None:
        """Sees whether files can be kept, before anything large is fetched in vain.

        Raises:
            FetchError: the folder cannot be written, or not be made.
        """
        there = next(path for path in (self.folder, *self.folder.absolute().parents) if os.access(path, os.F_OK))
        if not os.access(there, os.W_OK | os.X_OK):
            raise _unwritable(self.folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))

    def keep(self, asset: Asset, chunks: Iterable[bytes], *, origin: str) -> Path:
        """Writes the file as a whole or not at all.

        Args:
            asset: what it should be.
            chunks: its content.
            origin: where they come from, for errors.

        Raises:
            FetchError: it is another file than it should be, or cannot be written.
        """
        path = self.folder / asset.file
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{asset.file}.")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        try:
            with os.fdopen(handle, "wb") as file:
                digest, size = hashlib.sha256(), 0
                for chunk in chunks:
                    size += len(chunk)
                    if size > TOO_MUCH * asset.size:
                        break
                    digest.update(chunk)
                    file.write(chunk)
                if digest.hexdigest() != asset.sha256:
                    msg = (
                        f"{origin}: what came for {asset.file} has {size} bytes and sha256 {digest.hexdigest()}, "
                        f"instead of {asset.size} bytes and {asset.sha256}"
                    )
                    raise FetchError(msg, remedy="Something between here and its home changes files, or it moved")
                file.flush()
                # readable by the service, which runs as another user
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError as error:
            if isinstance(error, FetchError):
                raise
            raise _unwritable(self.folder, error) from error
        finally:
            with suppress(OSError):
                Path(name).unlink()
        return path


def _sha256(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _unwritable(folder: Path, error: OSError) -> FetchError:
    msg = f"{folder}: cannot keep model files there: {error.strerror or error}"
    return FetchError(msg, remedy="Run it as a user who may (sudo), or name another folder: -o models_dir=FOLDER")
