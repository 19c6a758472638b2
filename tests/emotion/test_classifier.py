"""The classifier over the packaged model, on every runtime there is."""

from __future__ import annotations

import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.prior import logit_shift
from edge_fer.inference.runtime import available


def pictures(count, size=48):
    """Smooth grey noise: nothing like a face, but with all scales in it."""
    random = np.random.default_rng(1)
    for _ in range(count):
        coarse = random.integers(0, 256, (6, 6)).astype(np.uint8)
        yield np.kron(coarse, np.ones((size // 6, size // 6), np.uint8))


@pytest.fixture(scope="module", params=available())
def classifier(request):
    return EmotionClassifier.load(runtime=request.param)


def test_scores_are_probabilities_in_the_models_order(classifier):
    for scores in classifier.classify(list(pictures(3))):
        assert tuple(scores) == classifier.labels
        assert sum(scores.values()) == pytest.approx(1)
        assert all(type(score) is float and 0 <= score <= 1 for score in scores.values())


def test_scores_are_calibrated_logits(classifier):
    crops = list(pictures(3))
    logits = classifier.logits(crops).astype(np.float64) / classifier.sidecar.temperature
    prior = classifier.sidecar.prior
    logits += logit_shift(classifier.labels, learned=prior.learned, place=prior.reference)
    for row, scores in zip(logits, classifier.classify(crops), strict=True):
        assert list(scores.values()) == pytest.approx(np.exp(row) / np.exp(row).sum())


def test_logits_are_dequantised(classifier):
    (crop,) = pictures(1)
    sidecar = classifier.sidecar
    low, high = sidecar.input.range
    wanted = low + (high - low) * crop / 255
    steps_in, steps_out = sidecar.quantisation.input, sidecar.quantisation.output
    values = np.clip(np.rint(wanted / steps_in.scale) + steps_in.zero_point, -128, 127).astype(np.int8)
    told = (classifier.model.invoke(values).astype(np.float64) - steps_out.zero_point) * steps_out.scale
    assert classifier.logits([crop])[0] == pytest.approx(told[0], abs=1e-5)


def test_colour_and_size_make_no_difference_to_a_flat_picture(classifier):
    shapes = [(48, 48, 3), (200, 200, 3), (12, 20, 3), (1, 1, 3)]
    logits = classifier.logits([np.full(shape, 90, np.uint8) for shape in shapes])
    assert (logits == logits[0]).all()


def test_each_crop_alone_is_as_all_together(classifier):
    crops = list(pictures(4, size=96))
    together = classifier.logits(crops)
    assert np.array_equal(together, np.concatenate([classifier.logits([crop]) for crop in crops]))


def test_no_crops(classifier):
    assert classifier.classify([]) == []
    assert classifier.logits([]).shape == (0, len(classifier.labels))


def test_views_into_a_frame_will_do(classifier):
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[20:68, 30:78] = np.repeat(next(pictures(1))[:, :, None], 3, axis=2)
    assert np.array_equal(classifier.logits([frame[20:68, 30:78]]), classifier.logits(list(pictures(1))))


def test_mirrored_colours_are_not_confused(classifier):
    red = np.zeros((48, 48, 3), np.uint8)
    red[12:30, 12:30, 0] = 255
    assert not np.array_equal(classifier.logits([red]), classifier.logits([red[:, :, ::-1]]))
