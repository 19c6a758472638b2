"""Occlusion maps: shape and range, and that covering what they point at takes the emotion away."""

from __future__ import annotations

import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.explain import occlusion_map
from edge_fer.inference.runtime import available
from tests.faces.pictures import head
from tests.shared import shared_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=available())
def classifier(request):
    return EmotionClassifier.load(runtime=request.param)


@pytest.mark.parametrize("shape", [(48, 48), (48, 48, 3), (131, 90, 3), (5, 3, 3)])
def test_a_map_has_the_crops_size_and_goes_from_nothing_to_all(classifier, shape):
    crop = head(160)[: shape[0], : shape[1]] if len(shape) == 3 else head(48)[:, :, 0]
    for label in classifier.labels:
        found = occlusion_map(classifier, crop, label)
        assert (found.shape, found.dtype) == (crop.shape[:2], np.float32)
        assert found.min() >= 0
        assert found.max() == pytest.approx(1) or not found.any()


def test_labels_have_maps_of_their_own(classifier):
    crop = head(160)
    assert not np.array_equal(occlusion_map(classifier, crop, "happy"), occlusion_map(classifier, crop, "sad"))


def test_unknown_label(classifier):
    with pytest.raises(ValueError, match="label: 'bored' is none of angry, disgust"):
        occlusion_map(classifier, head(48), "bored")


def test_covering_what_it_points_at_lowers_the_logit_most():
    """On 80 real faces, each with a grey square (the maps go by blurred ones) over every place in turn."""
    classifier = EmotionClassifier.load()
    images = np.load(shared_data() / "fer2013" / "public-test.npz")["images"][:400:5]
    logits = classifier.logits(list(images))
    side = 16
    places = [(y, x) for y in range(0, 48 - side + 1, 4) for x in range(0, 48 - side + 1, 4)]
    gained, against_least = [], []
    for image, row in zip(images, logits, strict=True):
        best = int(row.argmax())
        found = occlusion_map(classifier, image, classifier.labels[best])
        covered = []
        for y, x in places:
            picture = image.copy()
            picture[y : y + side, x : x + side] = round(image.mean())
            covered.append(picture)
        drops = row[best] - classifier.logits(covered)[:, best]
        pointed = np.array([found[y : y + side, x : x + side].mean() for y, x in places])
        gained.append(drops[pointed.argmax()] - drops.mean())
        against_least.append(drops[pointed.argmax()] - drops[pointed.argmin()])
    for gain in (np.array(gained), np.array(against_least)):
        # By more than two standard errors: not by luck.
        assert gain.mean() > 2 * gain.std() / np.sqrt(len(gain))
