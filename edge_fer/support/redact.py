"""Shows addresses without their secrets: what is known to be harmless is shown, and all else is `***`.

There is no list of what to hide, because cameras call their secrets by too many names. Harmless are the scheme, the
host, the port, the words that makers of cameras use in paths, and small numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from edge_fer.support.address import OWN_SERVERS, Address, take_apart

__all__ = ["HIDDEN", "hidden_parts", "redacted", "redacted_text", "secret_spans"]

HIDDEN: Final = "***"
_SCHEME: Final = r"(?:[a-z][a-z0-9+.-]{0,31}://|(?:rtsps?|rtmps?|https?|mqtts?|wss?|srt|ftp):/)"
#: An address reaches to the next one, or to the end: a password may have anything in it, blanks too.
_ADDRESS: Final = re.compile(rf"{_SCHEME}.+?(?=[\s,;=\"'`<([{{]{_SCHEME}|\Z)", re.IGNORECASE | re.DOTALL)
#: In a text, it ends before a blank, a quote, or a sign that belongs to the sentence.
_IN_TEXT: Final = re.compile(r"[^\s\"'`<>]+")
_SENTENCE: Final = ".,:;!)]}"
#: Schemes whose paths are shown in a text as they are, unless there is a login: documents have such addresses, too.
_DOCUMENTS: Final = {"http", "https", "file"}
#: What is a secret by its name, up to where its value begins, and the value: in a query, or in a path of `name=value`.
_SECRET_PARAMETER: Final = re.compile(
    r"([?&;/_](?:[^=&;#/_]*(?:pass|pwd|pas|psw|token|secret|key|auth|sig|credential)[^=&;#/_]*"
    r"|(?:access_?)?code|api_key|pw|pin)=)([^&;#/]*?)(?=_[A-Za-z0-9]+=|[&;#/]|\Z)",
    re.IGNORECASE,
)
#: Letters and digits of the shortest key that is found by its looks.
SHORTEST_KEY: Final = 10
#: What stands for a secret in the text of a config.
_VARIABLE: Final = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\}:?){1,2}")
#: A login, without a scheme before it.
_LIKE_LOGIN: Final = re.compile(r"\S:\S*@\S|\S@\d{1,3}(\.\d{1,3}){3}|\S@[\w.-]+[:/]")
_PATH: Final = re.compile(r"([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_TOKENS: Final = re.compile(r"h26[345]|mp[34]|m3u8|mpeg[24]|[a-z]+|\d+|[._-]", re.IGNORECASE)
_CAMEL: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NUMBER: Final = re.compile(r"\d{1,3}|\d{2,4}x\d{2,4}")
#: Words of the paths and queries of cameras.
_WORDS: Final = frozenset(
    """
    h263 h264 h265 hevc mp3 mp4 m3u8 mpeg mpeg2 mpeg4 mjpeg mjpg mpg jpeg jpg png avc aac pcm ts flv webm sdp amp
    smp stm sav live stream streams streaming main sub major minor first second third high low hd sd video videos
    audio cam cams camera cameras webcam ipcam ch chn channel channels id ids input output media av real
    realmonitor monitor preview play view onvif profile profiles unicast multicast ucast mcast track tracks rtsp
    rtp rtcp udp tcp http hls dash ws webrtc rtmp cgi bin axis isapi psia api proxy img image images snap snapshot
    shot photo picture still frame frames index default auto test web www app vod record tmpfs nph motion get data
    size res resolution width height fps rate quality codec type subtype compression bitrate port proto protocol
    transport mode name number format rotation faststream encoder videostream videofeed videoinput videomain
    videosub feed cgi pl php asp html htm nil home
    """.split()  # noqa: SIM905
)
#: Names whose values are hidden may be shown themselves.
_NAMES: Final = _WORDS | frozenset(
    """
    user username usr login loginuse loginpas pwd pass password passwd psw token key apikey secret auth code
    access pin session sig signature
    """.split()  # noqa: SIM905
)


#: Schemes, without the `s` of those over TLS, in whose addresses a host stands for sure.
_WITH_HOST: Final = OWN_SERVERS | frozenset("file ftp http mms mqtt rtmp rtp rtsp srt tcp udp unix ws".split())  # noqa: SIM905


def redacted(text: str) -> str:
    """A setting, or what else may be an address as a whole, without its secrets.

    What is no address is shown as it is, unless it reads like a login with the scheme forgotten.
    """
    if _ADDRESS.search(text) is None:
        return _without_scheme(text)
    return _ADDRESS.sub(lambda found: _shown(found[0]), text)


def redacted_text(text: str) -> str:
    """A sentence, a line of a log or the like, with the secrets of the addresses in it as `***`."""
    return _ADDRESS.sub(lambda found: _shown_in_text(found[0]), text)


def hidden_parts(address: str) -> set[str]:
    """What `redacted` does not show of an address, in pieces as small as a message may repeat them."""
    parts = take_apart(address)
    if parts is None:
        return set()
    pieces = {parts.login or ""}
    pieces |= set(re.split(r"[/?#@:&;=]", parts.login or ""))
    path, query, fragment = _PATH.fullmatch(parts.rest).groups()  # type: ignore[union-attr]  # it matches everything
    pieces |= {segment for segment in path.split("/") if not _is_harmless(segment)}
    pieces |= {value for segment in path.split("/") for _, value in re.findall(r"([^=_&]*)=([^_&]*)", segment)}
    for parameter in re.split("[&;]", query or ""):
        name, _, value = parameter.partition("=")
        if _parameter(parameter) != parameter:
            pieces |= {value, *([] if _parameter(name) == name or _is_name(name) else [name])}
    pieces |= {fragment or "", *re.split("[&=]", fragment or "")}
    return {one for piece in pieces for one in (piece, unquote(piece)) if one and one != HIDDEN}


def secret_spans(address: str) -> list[tuple[int, int]]:
    """Where in an address there is what nobody should read, in order; a user name before a password is none of it.

    It is less than what `redacted` hides: only what is a secret without much doubt.
    """
    parts = take_apart(address)
    if parts is None:
        return []
    behind = len(address) - len(parts.rest)
    spans = []
    if parts.login:
        start = address.index(parts.login, len(parts.scheme))
        spans.append(
            (start + len(parts.login.partition(":")[0]) + 1 if ":" in parts.login else start, start + len(parts.login))
        )
    spans += [found.span(2) for found in _SECRET_PARAMETER.finditer(address, behind)]
    path = _PATH.match(parts.rest)
    for segment in re.finditer("[^/]+", path[1] if path else ""):
        is_key = len(segment[0]) >= SHORTEST_KEY and re.search(r"\d", segment[0]) and re.search("[A-Za-z]", segment[0])
        if is_key and segment[0].isalnum() and not _is_harmless(segment[0]):
            spans.append((behind + segment.start(), behind + segment.end()))
    return sorted((start, end) for start, end in spans if start < end)


def _shown(address: str) -> str:
    parts = take_apart(address)
    if parts is None:
        return HIDDEN
    return _put_together(parts, _path)


def _put_together(parts: Address, show_path: Callable[[str], str]) -> str:
    scheme = parts.scheme.lower()
    if not {scheme, scheme.removesuffix("s")} & _WITH_HOST or (scheme.startswith("ntfy") and len(parts.rest) < 2):
        # a key, or a topic that is to be guessed by nobody, may stand in the place of the host
        return f"{parts.scheme}://{HIDDEN}"
    return f"{parts.scheme}://{_login(parts)}{_place(parts)}{_rest(parts, show_path)}"


def _shown_in_text(block: str) -> str:
    """What begins with an address and goes on with a text."""
    begin = _IN_TEXT.match(block)
    end = begin.end() if begin else 0
    parts = take_apart(block[:end])
    line = block[end:].partition("\n")[0]
    if "@" in line and (parts is None or parts.host is None) and HIDDEN not in block[:end]:
        # a password with a blank in it; not an address that was hidden before
        behind = end + line.rindex("@") + 1
        host = _IN_TEXT.match(block, behind)
        end = host.end() if host else behind
    while end and block[end - 1] in _SENTENCE:
        end -= 1
    parts = take_apart(block[:end])
    if parts is None:
        return HIDDEN + block[end:]
    is_document = parts.scheme.lower() in _DOCUMENTS and parts.login is None
    return _put_together(parts, _document_path if is_document else _path) + block[end:]


def _login(parts: Address) -> str:
    if parts.login is None:
        return ""
    if _VARIABLE.fullmatch(parts.login):
        return f"{parts.login}@"
    is_plain_name = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,31}", parts.login) and not _looks_like_key(parts.login)
    # a broker's user is needed to understand its access list; a camera's is of no use to anybody
    if parts.fault is None and parts.scheme.lower() in {"mqtt", "mqtts"} and is_plain_name:
        return f"{parts.login}@"
    return f"{HIDDEN}@"


def _place(parts: Address) -> str:
    if parts.host is None:
        return HIDDEN
    return parts.host if parts.port is None else f"{parts.host}:{parts.port}"


def _rest(parts: Address, show_path: Callable[[str], str]) -> str:
    if parts.host is None:
        # nobody knows what it belongs to
        return ""
    path, query, fragment = _PATH.fullmatch(parts.rest).groups()  # type: ignore[union-attr]  # it matches everything
    shown = show_path(path)
    if query is not None:
        shown += "?" + "&".join(map(_parameter, re.split("[&;]", query)))
    return shown if fragment is None else f"{shown}#{fragment if _is_harmless(fragment) else HIDDEN}"


def _path(path: str) -> str:
    return "/".join(segment if _is_harmless(segment) else HIDDEN for segment in path.split("/"))


def _document_path(path: str) -> str:
    return "/".join(HIDDEN if re.search("[@=]", segment) else segment for segment in path.split("/"))


def _parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals:
        return name if _is_harmless(name) else HIDDEN
    if not _is_name(name):
        return HIDDEN
    if _VARIABLE.fullmatch(value):
        return parameter
    harmless = _are_words(name, _WORDS) and (_NUMBER.fullmatch(value) or _are_words(value, _WORDS))
    return f"{name}={value if harmless else HIDDEN}"


def _is_name(name: str) -> bool:
    return _are_words(name, _NAMES)


def _are_words(text: str, known: frozenset[str]) -> bool:
    return bool(text) and all(word in known or len(text) == 1 for word in re.split(r"[._-]", text.lower()))


def _is_harmless(segment: str) -> bool:
    """Whether a part of a path is made of known words and small numbers alone."""
    if _VARIABLE.fullmatch(segment):
        return True
    tokens = _TOKENS.findall(segment)
    if "".join(tokens) != segment:
        return False
    numbers = [token for token in tokens if token.isdigit()]
    if len(numbers) > 3 or sum(map(len, numbers)) > 4 or any(len(number) > 3 for number in numbers):
        return False
    words = [token for token in tokens if token[0].isalnum() and not token.isdigit()]
    return all(_is_word(word) or (len(word) == 1 and len(tokens) <= 2) for word in words)


def _is_word(token: str) -> bool:
    if token.lower() in _WORDS:
        return True
    pieces = _CAMEL.findall(token)
    return "".join(pieces) == token and len(pieces) > 1 and all(piece.lower() in _WORDS for piece in pieces)


def _looks_like_key(word: str) -> bool:
    kinds = [re.search(kind, word) for kind in ("[a-z]", "[A-Z]", r"\d")]
    return all(kinds) or any(len(run) >= 16 for run in re.split("[._-]", word))


def _without_scheme(text: str) -> str:
    """What may be an address that somebody wrote without `rtsp://`."""
    return HIDDEN if _LIKE_LOGIN.search(text) else _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", text)
