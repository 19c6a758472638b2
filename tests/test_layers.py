"""Who may import whom, downwards only, so that the house stays a house."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edge_fer"

#: The rooms from the bottom up. A room may import those of the lines above its own here, and none beside it.
TIERS = [
    {"errors", "types"},
    {"support"},
    {"clock"},
    {"drawing", "inference", "outbox", "sample", "trace", "values"},
    {"capture", "contract", "emotion", "faces", "rules"},
    {"config", "history", "notify", "pipeline"},
    {"boot", "log", "mqtt"},
    {"homeassistant"},
    {"sinks"},
    {"daemon"},
    {"remote"},
    {"control"},
    {"web", "wiring"},
    {"pictures", "recordings"},
    {"analyzer", "backup", "bench", "doctor", "fleet", "report"},
    {"acceptance"},
    {"cli"},
    {"__main__"},
]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def may_import(room: str) -> set[str]:
    """The rooms below a room."""
    for index, tier in enumerate(TIERS):
        if room in tier:
            return set().union(*TIERS[:index])
    pytest.fail(f"edge_fer/{room} is in no known room: give it one here and in docs/architecture.md")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """The rooms that a file imports, by absolute or relative name, anywhere in it."""
    found = set()
    for node in ast.walk(parsed(path)):
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
    upwards = imports_of(path) - may_import(room) - {room, "__version__"}
    assert not upwards, f"{path} may not import edge_fer.{', edge_fer.'.join(sorted(upwards))}"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def loaded_with(name: str, tree: ast.Module, known: frozenset[str]) -> set[str]:
    """The modules that importing a module loads: those it names outside of functions, and the packages around them."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    around = {module.rpartition(".")[0] for module in found & known}
    # what is around the module itself is being loaded already
    return {module for module in (found & known) | around if not f"{name}.".startswith(f"{module}.")}


ARCHITECTURE = (PACKAGE.parent / "docs/architecture.md").read_text("utf-8")


def test_the_page_on_architecture_has_the_tiers():
    tiers = []
    for tier, room in re.findall(r"^\| (\d*) ?\| `([\w.]+)/?` \|", ARCHITECTURE, re.MULTILINE):
        if tier:
            assert int(tier) == len(tiers) + 1
            tiers.append(set())
        tiers[-1].add(room.removesuffix(".py"))
    assert tiers == TIERS


def test_every_file_that_the_page_on_architecture_names_is_there():
    named = set(re.findall(r"`([a-z_0-9]+/[\w/]*(?:\.py|/)?)`", ARCHITECTURE)) - {"camera/<camera>/state"}
    assert len(named) > 50
    beside = ("models/", "tools/", "tests/", "edge_fer/", "docs/", "recipe/")
    for name in named:
        assert (PACKAGE / name).exists() or name.startswith(beside) or "." not in name, name


def test_each_change_that_it_tells_of_needs_five_files_at_most():
    table = ARCHITECTURE.partition("## Where do I change")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| what | files")]
    assert len(rows) >= 12
    for row in rows:
        assert 1 <= len(re.findall(r"`[\w/.]+(?:\.py|\.md|/)`|the config", row)) <= 5, row


def test_the_package_root_holds_rooms_and_few_modules():
    assert len([path for path in MODULES if path.parent == PACKAGE]) + 1 <= 6, "one of them is __init__.py"


def test_no_class_name_stands_for_two_things():
    found = {}
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).add(str(path.relative_to(PACKAGE)))
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


def test_no_import_leads_back_to_where_it_began():
    names = {module_name(path): path for path in MODULES}
    known = frozenset(names)
    loads = {name: loaded_with(name, parsed(path), known) for name, path in names.items()}
    # what loads nothing that is left goes, again and again; a circle is what stays
    while gone := {name for name, others in loads.items() if not others & loads.keys() - {"edge_fer"}}:
        loads = {name: others for name, others in loads.items() if name not in gone}
    assert not loads, f"these import one another in a circle, or what does: {', '.join(sorted(loads))}"


@pytest.mark.parametrize(
    "room",
    [
        "rules",
        "pipeline",
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
        tree = parsed(path)
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not names & {"time", "threading", "socket", "sqlite3", "cv2", "os", "subprocess"}, path


@pytest.mark.slow
def test_nothing_imports_from_a_test_file():
    """What several tests need lies in a module of its own."""
    for path in sorted((PACKAGE.parent / "tests").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests"):
                names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
                assert not [name for name in names if ".test_" in name], path
