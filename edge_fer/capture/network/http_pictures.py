"""Asks a camera for its pictures over HTTP."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.request
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = ["HttpAnswer", "HttpError", "ask"]

#: Bytes that are read at a time, and looked at to see whether they are JPEG.
_PART = 1 << 16
#: What cameras call JPEG pictures, one after another or single.
_JPEG_TYPES = ("multipart/", "image/jpeg", "image/jpg", "video/x-jpeg", "video/x-motion-jpeg", "video/mjpeg")
_START = b"\xff\xd8\xff"


class HttpError(Exception):
    """The camera answers, and refuses.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class HttpAnswer:
    """What a camera answers with.

    Attributes:
        is_one_picture: whether it is a single picture, by its content type.
        sends_jpeg: whether it is one JPEG picture or many.
    """

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        kind = response.headers.get_content_type()
        self.is_one_picture = kind.startswith("image/")
        try:
            self._first = self._read()
        except BaseException:
            self.close()
            raise
        self.sends_jpeg = kind.startswith(_JPEG_TYPES) or _START in self._first[:64]

    def read(self) -> bytes:
        """What came next, as soon as it comes; empty at the end.

        Raises:
            TimeoutError: nothing came for too long.
            OSError: the connection broke.
        """
        data, self._first = self._first, b""
        return data or self._read()

    def _read(self) -> bytes:
        try:
            return self._response.read1(_PART)
        except (http.client.HTTPException, ValueError) as error:
            # cut off within a chunk, or no chunks where there should be some
            raise ConnectionResetError(str(error)) from None

    def close(self) -> None:
        """Lets go of the connection."""
        self._response.close()


def ask(address: str, *, username: str | None, password: str | None, timeout: float) -> HttpAnswer:
    """Asks for what is at an address; with its login, by basic or digest authentication, where the camera wants one.

    Certificates are not checked: cameras sign their own.

    Args:
        address: http or https; a login in it counts where no `username` is given.
        username: to log in with.
        password: likewise.
        timeout: longest wait, in seconds, for anything to come, here and while the answer is read.

    Raises:
        HttpError: the camera refuses.
        TimeoutError: it does not answer.
        OSError: it cannot be reached.
        ValueError: it answers with something that is not HTTP, or the address cannot be right.
    """
    parts = urlsplit(address)
    if username is None and parts.username:
        username, password = unquote(parts.username), unquote(parts.password or "")
    asked = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    request = urllib.request.Request(asked)  # noqa: S310 - the config takes only http and https here
    try:
        return _open(request, timeout)
    except _RefusedError as refused:
        login = None if username is None else _login(request, refused.challenges, username, password or "")
        if refused.status != 401 or login is None:
            raise
    # not for whoever we are sent on to
    request.add_unredirected_header("Authorization", login)
    return _open(request, timeout)


class _RefusedError(HttpError):
    def __init__(self, error: urllib.error.HTTPError) -> None:
        super().__init__(error.code)
        self.challenges = error.headers.get_all("WWW-Authenticate", [])
        error.close()


def _open(request: urllib.request.Request, timeout: float) -> HttpAnswer:
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked)
    )
    try:
        return HttpAnswer(opener.open(request, timeout=timeout))
    except urllib.error.HTTPError as error:
        raise _RefusedError(error) from None
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else ValueError(str(error.reason)) from None
    except http.client.HTTPException as error:
        raise ValueError(type(error).__name__) from None


def _login(request: urllib.request.Request, challenges: list[str], username: str, password: str) -> str | None:
    """What a challenge is answered with; None where it is of a kind that is not known. Digest goes before basic."""
    logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    logins.add_password(None, request.full_url, username, password)
    for challenge in sorted(challenges, key=lambda said: not said.lower().startswith("digest")):
        kind, _, said = challenge.partition(" ")
        if kind.lower() == "basic":
            return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        if kind.lower() == "digest":
            parts = urllib.request.parse_keqv_list(urllib.request.parse_http_list(said))
            try:
                answer = urllib.request.HTTPDigestAuthHandler(logins).get_authorization(request, parts)
            except ValueError:
                # an algorithm that nobody uses
                continue
            if answer:
                return f"Digest {answer}"
    return None
