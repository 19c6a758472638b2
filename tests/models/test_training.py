"""Training runs: gone on with after they were cut off, as if they had not been."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the recipe's own environment has PyTorch")

from models.recipe.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from models.recipe.errors import RecipeError  # noqa: E402
from models.recipe.settings import Settings, sources  # noqa: E402
from models.recipe.soup import soup  # noqa: E402
from models.recipe.train import Run, train  # noqa: E402

# Its dropout draws from the device's own generator, its augmentation from the run's.
SETTINGS = Settings(architecture="mobilenet_v1", width=0.25, epochs=3, batch=8)


@pytest.fixture
def teacher(data, tmp_path):
    path = tmp_path / "teacher" / "best.pt"
    path.parent.mkdir()
    save_checkpoint(Run(SETTINGS, data).state(), path)
    return path


def test_a_run_gone_on_with_ends_as_if_it_had_not_been_cut_off(data, tmp_path):
    """On a GPU too, where there is one: dropout draws from its own random numbers there."""
    whole = Run(SETTINGS, data)
    whole.one_epoch()
    save_checkpoint(whole.state(), tmp_path / "last.pt")
    while whole.progress.done < 1:
        whole.one_epoch()
    train(SETTINGS, data, tmp_path, resume=True)
    ended = torch.load(tmp_path / "last.pt", weights_only=True, map_location="cpu")
    assert (ended["epoch"], ended["progress"]) == (3, 1.0)
    for name, weight in whole.average.net.state_dict().items():
        assert torch.equal(ended["average"][name], weight.cpu()), name


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rate": 1e-3}, "--rate is 0.001, not 0.003"),
        ({"epochs": 5, "rare_boost": 0.0}, "--epochs is 5, not 3; --rare-boost is 0.0, not 0.25"),
        ({"limit": 16}, "--limit is 16, not none"),
    ],
)
def test_a_run_does_not_go_on_with_other_settings(data, tmp_path, changed, said):
    last = tmp_path / "last.pt"
    save_checkpoint(Run(SETTINGS, data).state(), last)
    before = last.read_bytes()
    with pytest.raises(RecipeError, match=rf"last\.pt: was begun with other settings: {said}\. Give them as they were"):
        train(replace(SETTINGS, **changed), data, tmp_path, resume=True)
    assert last.read_bytes() == before


def test_a_run_does_not_go_on_without_its_teacher(data, teacher, tmp_path):
    save_checkpoint(Run(SETTINGS, data, teachers=[teacher]).state(), tmp_path / "last.pt")
    with pytest.raises(RecipeError, match=r"settings: --teacher is none, not teacher/best\.pt"):
        train(SETTINGS, data, tmp_path, resume=True)
    with pytest.raises(RecipeError, match=r"--teacher is none, not teacher/best\.pt; --soft-labels is \w+/a\.npz, not"):
        train(SETTINGS, data, tmp_path, resume=True, soft_labels=tmp_path / "a.npz")


def test_when_a_run_ends_may_change_and_older_checkpoints_know_less(data, teacher, tmp_path):
    run = Run(SETTINGS, data)
    run.one_epoch()
    run.progress.done = 1.0
    state = run.state()
    del state["sources"], state["cuda_random"], state["settings"]["rare_boost"]
    save_checkpoint(state, tmp_path / "last.pt")
    train(replace(SETTINGS, finish_by=0.0), data, tmp_path, teachers=[teacher], resume=True)


def test_sources_are_the_same_from_wherever_they_are_named(tmp_path, monkeypatch):
    (tmp_path / "teacher").mkdir()
    monkeypatch.chdir(tmp_path / "teacher")
    assert sources([Path("best.pt")], None) == sources([tmp_path / "teacher" / "best.pt"], None)


def test_a_soup_is_the_mean_of_its_nets(data, tmp_path):
    made = []
    for seed in (1, 2):
        run = Run(Settings(architecture="lenet", epochs=1, batch=8, seed=seed), data)
        run.one_epoch()
        made.append(run.average.net.state_dict())
        torch.save({"settings": asdict(run.settings), "average": made[-1]}, tmp_path / f"{seed}.pt")
    soup([tmp_path / "1.pt", tmp_path / "2.pt"], tmp_path / "soup.pt")
    net, _ = load_checkpoint(tmp_path / "soup.pt")
    for name, values in net.state_dict().items():
        if values.is_floating_point():
            assert torch.allclose(values, (made[0][name] + made[1][name]) / 2, atol=1e-6)


def test_nets_of_two_kinds_make_no_soup(data, tmp_path):
    for name, balance in (("a", 0.0), ("b", 1.0)):
        run = Run(Settings(architecture="lenet", epochs=1, batch=8, balance=balance), data)
        torch.save({"settings": asdict(run.settings), "average": run.net.state_dict()}, tmp_path / f"{name}.pt")
    with pytest.raises(RecipeError, match=r"a\.pt: its balance is 0\.0, and that of .*b\.pt 1\.0"):
        soup([tmp_path / "a.pt", tmp_path / "b.pt"], tmp_path / "soup.pt")
    with pytest.raises(RecipeError, match="at least two"):
        soup([tmp_path / "a.pt"], tmp_path / "soup.pt")
