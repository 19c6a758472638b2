"""The parts of the recipe that need PyTorch; run where it is installed, as in the recipe's own environment."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the recipe's own environment has PyTorch")

from models.recipe.augment import augment, mixup  # noqa: E402
from models.recipe.train import Progress, Settings, learning_rate  # noqa: E402


@pytest.mark.parametrize("size", [36, 48])
def test_augmented_pictures_stay_pictures(size):
    pictures = torch.rand(64, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    made = [augment(pictures, size, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert made[0].shape == (64, 1, size, size)
    assert made[0].min() >= 0
    assert made[0].max() <= 1
    assert torch.equal(*made)


def test_mixup_keeps_targets_distributions():
    targets = torch.eye(7)[torch.arange(64) % 7]
    _, mixed = mixup(torch.rand(64, 1, 8, 8), targets, 0.2, torch.Generator().manual_seed(0))
    assert np.allclose(mixed.sum(dim=1), 1)
    assert torch.equal(mixed.argmax(dim=1), targets.argmax(dim=1))


def test_progress_by_steps_ends_with_the_last():
    progress = Progress(1000, finish_by=None)
    for _ in range(999):
        progress.step()
    assert progress.done < 1
    progress.step()
    assert progress.done == 1


def test_progress_by_time_ends_in_time(monkeypatch):
    now = 100.0
    monkeypatch.setattr("models.recipe.train.time.time", lambda: now)
    progress = Progress(1_000_000, finish_by=200.0)
    seen = []
    while progress.done < 1:
        now += 3.0
        progress.step()
        seen.append(progress.done)
    assert 200 <= now < 204
    assert seen == sorted(seen)
    assert seen[10] == pytest.approx(0.33, abs=0.01)


def test_learning_rate_warms_up_and_dies_out():
    settings = Settings()
    rates = [learning_rate(settings, done / 100) for done in range(101)]
    assert rates[4] == pytest.approx(settings.rate)
    assert rates[:4] == sorted(rates[:4])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[100] == pytest.approx(0, abs=1e-12)
