"""Learning from faces from elsewhere beside FER2013, and going by no prior."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the recipe's own environment has PyTorch")

from models.recipe.augment import place, to_grey  # noqa: E402
from models.recipe.data import LABELS  # noqa: E402
from models.recipe.distil import load_teacher  # noqa: E402
from models.recipe.errors import RecipeError  # noqa: E402
from models.recipe.settings import Settings  # noqa: E402
from models.recipe.source import LEAST_PRIOR, elsewhere  # noqa: E402
from models.recipe.train import Portraitures, Run, answers, train  # noqa: E402
from tests.models.portraits import portraits, row  # noqa: E402
from tests.models.tables import invented, write_tables  # noqa: E402

SETTINGS = Settings(architecture="lenet", epochs=1, batch=8, elsewhere=0.25, balance=1.0)


@pytest.fixture
def faces(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    several = portraits([row(happy=3)] * 24 + [row(neutral=3)] * 24)
    for name in ("sfhq", "sfhq1"):
        np.savez(folder / f"{name}.npz", **asdict(several))
    return folder


def test_a_wide_picture_is_placed_as_its_middle_would_be():
    middle = torch.rand(4, 1, 48, 48, generator=torch.Generator().manual_seed(5))
    middle = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(middle, 8), 64, mode="bilinear")
    wide = torch.nn.functional.pad(middle, (16, 16, 16, 16), mode="replicate")
    of_wide = place(wide, 48, torch.Generator().manual_seed(1), extent=1.5)
    of_middle = place(middle, 48, torch.Generator().manual_seed(1))
    assert (of_wide - of_middle).abs().max() < 0.02


def test_grey_weighs_colours_at_random_and_keeps_grey_as_it_is():
    grey = torch.rand(2, 1, 8, 8).expand(-1, 3, -1, -1)
    random = torch.Generator().manual_seed(2)
    assert torch.allclose(to_grey(grey, random), grey[:, :1], atol=1e-6)
    red = torch.zeros(200, 3, 2, 2)
    red[:, 0] = 1
    levels = to_grey(red, random)[:, 0, 0, 0]
    assert levels.median() == pytest.approx(0.299, abs=0.05)
    assert levels.std() > 0.05


def test_a_batch_holds_the_wanted_share_from_elsewhere_and_the_log_tells_of_both_worlds(data, faces, tmp_path):
    run = Run(SETTINGS, data, portraits=Portraitures(faces, ("sfhq", "sfhq1")))
    assert run.of_home == 6
    # 24 of sfhq's groups are for learning, and all of sfhq1
    assert len(run.elsewhere) == 24 + 48
    line = run.one_epoch()
    assert set(line["public"]) == {"fer2013", "ferplus", "macro_f1"}
    assert line["abroad"]["pictures"] == 8
    assert 0 <= line["mixed"] <= 1
    with pytest.raises(RecipeError, match=r"--set is sfhq, not sfhq, sfhq1"):
        (tmp_path / "run").mkdir()
        torch.save(run.state(), tmp_path / "run" / "last.pt")
        train(SETTINGS, data, tmp_path / "run", portraits=Portraitures(faces, ("sfhq",)), resume=True)


def test_an_emotion_that_is_not_shown_elsewhere_keeps_a_prior(faces):
    source = elsewhere(faces, ("sfhq1",), 1, replace(SETTINGS, smoothing=0.0), torch.device("cpu"))
    prior = source.log_prior.exp()[0]
    assert prior.sum() == pytest.approx(1)
    assert prior[LABELS.index("fear")] == pytest.approx(LEAST_PRIOR, rel=0.2)


def test_a_balanced_net_goes_by_no_prior(tmp_path):
    """Of pictures that say nothing, a net without balance says what is common, and a balanced one nothing."""
    folder = tmp_path / "skewed"
    folder.mkdir()
    usage, images, _, votes = invented("train", 32)
    labels = np.where(np.arange(32) % 8, 0, 3)
    write_tables(folder, [(usage, images, labels, votes), invented("public-test", 4, seed=1)])
    settings = replace(SETTINGS, elsewhere=0.0, epochs=40, learn="labels", rare_boost=0.0, mixup=0.0, rate=1e-2)
    told = {}
    for balance in (0.0, 1.0):
        run = Run(replace(settings, balance=balance), folder)
        while run.progress.done < 1:
            run.one_epoch()
        grey = np.full((1, 48, 48), 128, np.uint8)
        told[balance] = answers(run.average.net, grey, 48, run.device)[0, 0]
    ahead = {balance: logits[0] - logits[3] for balance, logits in told.items()}
    assert ahead[0.0] > 1.2
    assert abs(ahead[1.0]) < 1


def test_a_teacher_balanced_otherwise_is_refused(data, tmp_path):
    run = Run(replace(SETTINGS, elsewhere=0.0), data)
    torch.save(run.state(), tmp_path / "best.pt")
    with pytest.raises(RecipeError, match=r"best\.pt: was trained with --balance 1, not 0"):
        load_teacher(tmp_path / "best.pt", ("votes",), torch.device("cpu"))
