"""The parts of the recipe that need PyTorch; run where it is installed, as in the recipe's own environment."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the recipe's own environment has PyTorch")

from models.recipe.architectures import build, count_macs  # noqa: E402
from models.recipe.augment import augment, mixup  # noqa: E402
from models.recipe.checkpoint import save_checkpoint  # noqa: E402
from models.recipe.distil import HEADS, fingerprint, load_teacher, read_soft_labels  # noqa: E402
from models.recipe.errors import RecipeError  # noqa: E402
from models.recipe.lift import adjustment, lift  # noqa: E402
from models.recipe.optimise import Progress, cross_entropy, learning_rate  # noqa: E402
from models.recipe.sampling import draw, picture_weights  # noqa: E402
from models.recipe.soft_labels import ask  # noqa: E402


@pytest.mark.parametrize(
    ("name", "width", "millions"), [("mobilenet_v1_shortcuts", 0.5, 27), ("mobilenet_fused", 1, 58)]
)
def test_macs(name, width, millions):
    assert count_macs(build(name, width=width), 48) == pytest.approx(millions * 1e6, rel=0.02)


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
    monkeypatch.setattr("models.recipe.optimise.time.time", lambda: now)
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
    rates = [learning_rate(3e-3, 0.04, done / 100) for done in range(101)]
    assert rates[4] == pytest.approx(3e-3)
    assert rates[:4] == sorted(rates[:4])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[100] == pytest.approx(0, abs=1e-12)


def test_mixup_blends_the_targets_of_all_heads_alike():
    targets = torch.eye(7)[torch.arange(64) % 7].unsqueeze(1).repeat(1, 2, 1)
    _, mixed = mixup(torch.rand(64, 1, 8, 8), targets, 0.2, torch.Generator().manual_seed(0))
    assert mixed.shape == (64, 2, 7)
    assert torch.equal(mixed[:, 0], mixed[:, 1])


def test_compression_keeps_what_a_jpeg_keeps():
    """Flat pictures stay flat, faint detail is lost, and the mean of a block hardly moves."""
    from models.recipe.augment import _compress

    random = torch.Generator().manual_seed(2)
    detailed = 0.45 + 0.1 * torch.rand(200, 1, 48, 48, generator=random)
    made = _compress(detailed, random)
    changed = (made != detailed).flatten(1).any(dim=1)
    assert 10 < changed.sum() < 60
    assert made[changed].var() < detailed[changed].var()
    blocks = torch.nn.functional.avg_pool2d
    assert torch.allclose(blocks(made, 8), blocks(detailed, 8), atol=0.03)
    flat = torch.full((200, 1, 48, 48), 0.5)
    assert torch.allclose(_compress(flat, random), flat, atol=0.03)


def test_draw_shows_each_picture_as_often_as_its_weight_says():
    weights = torch.tensor([2.0, 1.0, 0.5, 0.5] * 100)
    drawn = torch.bincount(draw(weights, torch.Generator().manual_seed(0)), minlength=400).view(100, 4)
    assert drawn.sum() == 400
    assert torch.equal(drawn[:, 0], torch.full((100,), 2))
    assert torch.equal(drawn[:, 1], torch.full((100,), 1))
    assert torch.equal(drawn[:, 2:].sum(dim=1), torch.full((100,), 1))


def test_rare_emotions_are_shown_more_often_and_none_is_lost():
    targets = torch.eye(7)[torch.tensor([0] * 90 + [1] * 10)].unsqueeze(1) + 1e-6
    assert torch.allclose(picture_weights(targets, 0), torch.ones(100))
    assert picture_weights(torch.eye(7)[:3].unsqueeze(1), 0.5).isfinite().all(), "four emotions are not shown at all"
    weights = picture_weights(targets, 0.5)
    assert weights.mean() == pytest.approx(1)
    assert (weights[99] / weights[0]).item() == pytest.approx(3, rel=0.01)


@pytest.fixture
def teacher(tmp_path):
    path = tmp_path / "teacher.pt"
    torch.manual_seed(3)
    settings = {"architecture": "residual_teacher", "width": 0.25, "learn": "votes"}
    save_checkpoint({"settings": settings, "average": build("residual_teacher", width=0.25).state_dict()}, path)
    return path


def test_a_student_is_told_what_it_learns(teacher):
    pictures = torch.rand(3, 1, 48, 48)
    device = torch.device("cpu")
    with torch.no_grad():
        both, votes, labels = (
            load_teacher(teacher, heads, device)(pictures) for heads in (HEADS, ["votes"], ["labels"])
        )
    assert both.shape == (3, 2, 7)
    assert torch.equal(both, torch.cat([votes, labels], dim=1))
    assert not torch.allclose(votes, labels)


def test_a_teacher_that_has_not_learned_what_is_asked(tmp_path):
    path = tmp_path / "votes.pt"
    net = build("mobilenet_v1", width=0.25)
    settings = {"architecture": "mobilenet_v1", "width": 0.25, "learn": "votes"}
    save_checkpoint({"settings": settings, "average": net.state_dict()}, path)
    with pytest.raises(ValueError, match="has learned votes, not labels"):
        load_teacher(path, ["labels"], torch.device("cpu"))


def test_soft_labels_are_of_these_pictures_and_no_others(teacher, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    told = ask([load_teacher(teacher, HEADS, torch.device("cpu"))], images, views=2, seed=1)
    assert told.shape == (20, 2, 7)
    assert np.allclose(told.astype(float).sum(axis=2), 1, atol=5e-3)
    np.savez(tmp_path / "soft.npz", probabilities=told, made_of=fingerprint(images))
    assert torch.equal(read_soft_labels(tmp_path / "soft.npz", images), torch.from_numpy(told).float())
    with pytest.raises(ValueError, match="made of other training pictures"):
        read_soft_labels(tmp_path / "soft.npz", images[::-1])


def test_cross_entropy_counts_every_head():
    logits = torch.zeros(4, 2, 7)
    targets = torch.eye(7)[torch.zeros(4, 2, dtype=torch.long)]
    assert cross_entropy(logits, targets).item() == pytest.approx(np.log(7), rel=1e-5)
    logits[:, 1, 0] = 100
    assert cross_entropy(logits, targets).item() == pytest.approx(np.log(7) / 2, rel=1e-5)


def test_lifting_moves_the_logits_by_what_it_says_and_rare_ones_up():
    prior = np.array([0.1, 0.01, 0.02, 0.3, 0.15, 0.12, 0.3])
    shift = adjustment(prior, 0.2)
    assert shift.mean() == pytest.approx(0)
    assert list(np.argsort(shift)[::-1][:2]) == [1, 2]
    assert shift[1] - shift[3] == pytest.approx(0.2 * np.log(30))
    assert not adjustment(prior, 0).any()
    net = build("mobilenet_fused", width=0.5).eval()
    pictures = torch.rand(3, 1, 48, 48)
    with torch.no_grad():
        before = net(pictures)
        lift(net, shift)
        assert torch.allclose(net(pictures) - before, torch.from_numpy(shift).float().expand(3, 7), atol=1e-4)


def test_a_net_without_such_an_end_is_not_lifted():
    with pytest.raises(RecipeError, match="does not end in a dense layer"):
        lift(torch.nn.Flatten(), np.zeros(7))
