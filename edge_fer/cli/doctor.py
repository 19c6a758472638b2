"""`edge-fer doctor`: looks at everything that the daemon needs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._looking import findings_of, leave
from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.doctor.finding import CheckResult, State
from edge_fer.doctor.service import become_the_service

__all__ = ["add_parser"]

_DESCRIPTION = """\
Looks at everything that the daemon needs: the machine, the model, the cameras, the broker. Each line says that it is
good, or what is wrong and what to do. A daemon that runs is not disturbed. As root, it looks with the eyes of the
service's user. To try the broker, it publishes a few words to edge-fer/<node>/doctor and the like.

Exit status: 0 if nothing is wrong, 1 if there are faults, 78 if the config is not valid.
"""
_MARKS = {State.GOOD: "ok", State.WARNING: "warning", State.FAULT: "FAULT", State.SKIPPED: "-"}


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "doctor",
        help="find out what is wrong, and what to do",
        description=_DESCRIPTION,
        handler=_doctor,
    )
    add_config_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _doctor(args: argparse.Namespace) -> int:
    become_the_service()
    findings = findings_of(load_from(args))
    return leave(_as_json(findings) if args.json else _as_lines(findings))


def _as_json(findings: Iterable[CheckResult]) -> int:
    found = list(findings)
    say_json({"findings": [asdict(finding) for finding in found]})
    return _code(found)


def _as_lines(findings: Iterable[CheckResult]) -> int:
    found = []
    for finding in findings:
        found.append(finding)
        say(f"{_MARKS[finding.state]:8} {finding.name:15} {finding.what}")
        if finding.remedy:
            say(f"{'':24} {finding.remedy}")
    faults = sum(finding.state is State.FAULT for finding in found)
    say()
    say("Nothing is wrong." if not faults else f"{'One thing is' if faults == 1 else f'{faults} things are'} wrong.")
    return _code(found)


def _code(findings: Iterable[CheckResult]) -> int:
    return int(any(finding.state is State.FAULT for finding in findings))
