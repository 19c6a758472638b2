"""Who may import whom, downwards only, so that the house stays a house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edge_fer"

FLOW = {"capture", "faces", "emotion", "rules", "mqtt"}
BASE = {"types", "errors", "backoff", "address", "redact", "harmless", "files", "credentials", "streams", "json_text"}
#: Each room and the rooms below it that it may import.
MAY_IMPORT = {
    "errors": set(),
    "types": set(),
    "backoff": set(),
    "address": set(),
    "redact": {"address"},
    "harmless": set(),
    "files": set(),
    "json_text": set(),
    "streams": {"errors"},
    "credentials": {"files"},
    "config": BASE,
    "runtime": BASE,
    **{room: BASE | {"config", "runtime"} for room in FLOW},
    "fetching": BASE,
    "detectors": FLOW | BASE | {"config", "fetching"},
    "sample": BASE,
    "models": set(),
    "trace": BASE,
    "replay": FLOW | BASE | {"config", "palette", "stages", "trace"},
    "notify": set(),
    "reload_answer": {"files", "json_text"},
    "heat": set(),
    "keeping": {"files", "json_text"},
    "lean": set(),
    "boot": BASE | {"config"},
    "local_time": {"files"},
    "stopwatch": set(),
    "pictures": FLOW | BASE | {"palette", "pipeline", "stages"},
    "palette": BASE,
    "stages": FLOW | BASE,
    "pipeline": FLOW | BASE | {"stages"},
    "rulebook": BASE | {"config", "local_time", "rules"},
    "publishing": FLOW | BASE | {"pipeline"},
    "camera": FLOW | BASE | {"pipeline", "publishing", "stopwatch"},
    "health": FLOW | BASE | {"camera", "heat"},
    "metrics": BASE | {"mqtt"},
    "service": FLOW | BASE | {"camera", "config", "notify"},
    "remote": FLOW | BASE | {"camera", "config", "keeping", "log", "pipeline"},
    "daemon": BASE | {"reload_answer", "service"},
    "log": BASE | {"config"},
    "wiring": FLOW
    | BASE
    | {"camera", "config", "detectors", "fetching", "health", "heat", "keeping", "local_time", "pipeline", "publishing"}
    | {"metrics", "remote", "rulebook", "runtime", "sample", "service", "stages", "stopwatch"},
    "analyzer": FLOW | BASE | {"config", "fetching", "pictures", "pipeline", "stages", "stopwatch", "wiring"},
    "doctor": FLOW
    | BASE
    | {"config", "detectors", "fetching", "heat", "rulebook", "runtime", "sample", "stopwatch", "wiring"},
    "bench": FLOW
    | BASE
    | {"config", "detectors", "fetching", "pipeline", "publishing", "runtime", "stages", "stopwatch", "wiring"},
    "analysis": FLOW | BASE | {"config", "fetching", "pipeline", "replay", "stages", "stopwatch", "wiring"},
    "report": FLOW | BASE | {"analysis", "palette"},
    "commands": FLOW
    | BASE
    | {"wiring", "daemon", "service", "doctor", "config", "fetching", "local_time", "log", "runtime", "sample"}
    | {"analysis", "analyzer", "bench", "boot", "pictures", "pipeline", "reload_answer"}
    | {"remote", "replay", "report", "trace"},
    "cli": BASE | {"commands", "lean", "log"},
    "__main__": {"cli"},
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """The rooms that a file imports, by absolute or relative name, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("edge_fer.")}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards_only(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{path} is in no known room: give it one here and in docs/architecture.md"
    upwards = imports_of(path) - MAY_IMPORT[room] - {room, "__version__"}
    assert not upwards, f"{path} may not import edge_fer.{', edge_fer.'.join(sorted(upwards))}"


@pytest.mark.parametrize(
    "room",
    [
        "rules",
        "pipeline.py",
        "faces/people/tracking.py",
        "faces/people/attention.py",
        "faces/people/motion.py",
        "emotion/smoothing.py",
    ],
)
def test_pure_rooms_touch_no_clock_thread_or_device(room):
    paths = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
    assert paths
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not names & {"time", "threading", "socket", "sqlite3", "cv2", "os", "subprocess"}, path
