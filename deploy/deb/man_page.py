"""Writes the man page out of the command line's own help, so that the two never differ: `python man_page.py`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from edge_fer import __version__
from edge_fer.cli.main import build_parser

FILES = """\
.SH FILES
.TP
.I /etc/edge\\-fer/config.yaml
every setting with its explanation; `edge\\-fer config check` finds mistakes in it
.TP
.I /boot/firmware/edge\\-fer.yaml
settings on the memory card's boot partition, which any computer can write; they override the former
.TP
.I /var/lib/edge\\-fer
what must survive a restart
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1),
.BR mosquitto_sub (1)
"""


def page() -> str:
    """The whole page, in roff."""
    parser = build_parser()
    lines = [f'.TH EDGE\\-FER 1 "" "edge\\-fer {__version__}" "User Commands"', ".SH NAME"]
    lines += ["edge\\-fer \\- a facial\\-emotion sensor that publishes over MQTT", ".SH SYNOPSIS"]
    lines += [".B edge\\-fer", ".I COMMAND", "[options]", ".SH DESCRIPTION", _text(parser.description or "")]
    lines += [_verbatim(parser.epilog or ""), ".SH COMMANDS"]
    for verb in _verbs(parser):
        lines += [f".SS {_escaped(verb.prog)}", _text(verb.description or ""), *_options(verb)]
        if verb.epilog:
            lines.append(_verbatim(verb.epilog))
    return "\n".join(lines) + "\n" + FILES


def _verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The verbs that do something, with those below others."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public name
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for verb in action.choices.values():
                yield verb
                yield from _verbs(verb)


def _options(verb: argparse.ArgumentParser) -> Iterator[str]:
    for action in verb._actions:  # noqa: SLF001
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction | argparse._HelpAction):  # noqa: SLF001
            continue
        names = ", ".join(action.option_strings)
        given = (
            action.metavar if isinstance(action.metavar, str) else (action.dest.upper() if action.nargs != 0 else "")
        )
        yield ".TP"
        yield f".B {_escaped(f'{names} {given}'.strip())}"
        yield _text((action.help or "").replace("%%", "%"))


def _escaped(text: str) -> str:
    """Text that roff takes as it is."""
    return re.sub(r"^(['.])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"), flags=re.MULTILINE)


def _text(text: str) -> str:
    return _escaped(text.strip())


def _verbatim(text: str) -> str:
    """Text whose lines are kept, such as a table."""
    return f".PP\n.nf\n{_escaped(text.strip())}\n.fi"


if __name__ == "__main__":
    print(page(), end="")
