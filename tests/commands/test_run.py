"""How `edge-fer run` ends when a read hangs in a driver, so that the process cannot end by itself."""

from __future__ import annotations

import pytest

from edge_fer.cli.main import main
from edge_fer.errors import SourceLostError


class Stuck:
    """A service with a thread that nothing can end."""

    stuck = True

    def __init__(self, error=None):
        self.error = error

    def run(self, _successor, _started):
        if self.error:
            raise self.error


def leave(code):
    raise SystemExit(code)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (None, 0, ""),
        (SourceLostError("front is silent", remedy="Check it"), 1, "edge-fer: front is silent. Check it\n"),
    ],
)
def test_it_leaves_at_once_but_not_without_a_word(monkeypatch, capsys, error, code, told):
    monkeypatch.setattr("edge_fer.cli.run.build_service", lambda *_, **__: Stuck(error))
    monkeypatch.setattr("os._exit", leave)
    with pytest.raises(SystemExit) as left:
        main(["run"])
    assert left.value.code == code
    assert capsys.readouterr().err == told
