"""Priors: which shares hold at a place, and what scores become there."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.config import ConfigFaults
from edge_fer.emotion.classifier import EmotionClassifier, energy, packaged_model
from edge_fer.emotion.labels import reduce
from edge_fer.emotion.prior import check_shares, completed, logit_shift
from edge_fer.emotion.sidecar import beside
from edge_fer.errors import ModelError
from edge_fer.types import LABEL_SETS
from edge_fer.wiring.vision import make_classifier
from tests.config.loading import load_text

LABELS = LABEL_SETS["seven"]
EVEN = dict.fromkeys(LABELS, 1 / 7)
LEARNED = dict(zip(LABELS, (0.1, 0.02, 0.03, 0.28, 0.12, 0.09, 0.36), strict=True))
CROPS = list(np.random.default_rng(7).integers(0, 256, (4, 48, 48), dtype=np.uint8))

shares = st.lists(st.floats(0.01, 1), min_size=7, max_size=7).map(
    lambda parts: {label: part / sum(parts) for label, part in zip(LABELS, parts, strict=True)}
)


@pytest.fixture
def model(tmp_path):
    """Writes a copy of the packaged model whose sidecar says something else, and returns its path."""

    def write(**fields):
        path = tmp_path / "emotion.tflite"
        path.write_bytes(packaged_model().read_bytes())
        told = json.loads(beside(packaged_model()).read_text(encoding="utf-8"))
        told = {key: value for key, value in told.items() if key not in {"prior", "familiar"}} | fields
        beside(path).write_text(json.dumps(told), encoding="utf-8")
        return path

    return write


def test_the_others_split_the_rest_in_the_proportions_of_the_reference():
    found = completed({"neutral": 0.6}, {"happy": 0.3, "sad": 0.1, "neutral": 0.6})
    assert found == pytest.approx({"happy": 0.3, "sad": 0.1, "neutral": 0.6})
    assert completed({"neutral": 0.2}, {"happy": 0.3, "sad": 0.1, "neutral": 0.6}) == pytest.approx(
        {"happy": 0.6, "sad": 0.2, "neutral": 0.2}
    )
    assert completed({}, LEARNED) == pytest.approx(LEARNED)


@given(reference=shares, given_=st.dictionaries(st.sampled_from(LABELS), st.floats(0.001, 0.16), max_size=6))
def test_shares_that_were_given_stay_and_all_add_up_to_1(reference, given_):
    found = completed(given_, reference)
    check_shares(found, LABELS)
    assert {label: found[label] for label in given_} == pytest.approx(given_)


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"bored": 0.1}, "has a share of bored, which the model does not know"),
        ({"happy": 0.7, "sad": 0.4}, r"adds up to 1\.1, which leaves nothing for angry, disgust"),
        ({"happy": 1.0}, "leaves nothing"),
        ({"happy": 0.0}, "gives happy a share of 0"),
        ({"happy": -0.1}, "gives happy a share of -0.1"),
        (dict.fromkeys(LABELS, 0.1), r"adds up to 0\.7, which must be 1"),
    ],
)
def test_shares_that_cannot_be_are_refused(given_, told):
    with pytest.raises(ValueError, match=told):
        completed(given_, EVEN)


@given(prior=shares, place=shares, likelihood=shares)
def test_a_shift_is_what_bayes_says(prior, place, likelihood):
    """The posterior under one prior becomes the posterior under another."""

    def posterior(under):
        joint = np.array([likelihood[label] * under[label] for label in LABELS])
        return joint / joint.sum()

    powers = np.exp(np.log(posterior(prior)) + logit_shift(LABELS, learned=prior, place=place))
    assert powers / powers.sum() == pytest.approx(posterior(place))


def test_a_sidecar_without_a_prior_changes_nothing(model):
    classifier = EmotionClassifier.load(model())
    assert classifier.prior is None
    logits = classifier.logits(CROPS).astype(float) / classifier.sidecar.temperature
    for row, told in zip(logits, classifier.classify(CROPS), strict=True):
        assert list(told.values()) == pytest.approx(list(np.exp(row) / np.exp(row).sum()))
    assert classifier.read(CROPS) == classifier.classify(CROPS)


def test_the_reference_holds_unless_the_config_says_otherwise(model):
    as_learned = EmotionClassifier.load(model()).classify(CROPS)
    path = model(prior={"learned": LEARNED, "reference": EVEN})
    by_reference, at_place = EmotionClassifier.load(path), EmotionClassifier.load(path, prior={"neutral": 0.6})
    assert at_place.prior == pytest.approx({label: 0.6 if label == "neutral" else 0.4 / 6 for label in LABELS})
    for place, classifier in ((EVEN, by_reference), (at_place.prior, at_place)):
        for before, after in zip(as_learned, classifier.classify(CROPS), strict=True):
            weights = {label: before[label] * place[label] / LEARNED[label] for label in LABELS}
            expected = {label: weight / sum(weights.values()) for label, weight in weights.items()}
            assert after == pytest.approx(expected)


@pytest.mark.parametrize("label_set", LABEL_SETS)
def test_a_label_set_shows_the_shift_among_its_labels(model, label_set):
    path = model(prior={"learned": LEARNED, "reference": LEARNED})
    (before,) = EmotionClassifier.load(path).classify(CROPS[:1])
    (after,) = EmotionClassifier.load(path, prior={"angry": 0.3}).classify(CROPS[:1])
    old, new = reduce(before, label_set), reduce(after, label_set)
    factor = (0.3 / 0.1) / (0.7 / 0.9)
    assert new["angry"] / new["sad"] == pytest.approx(factor * old["angry"] / old["sad"])
    assert new["happy"] / new["sad"] == pytest.approx(old["happy"] / old["sad"])


@pytest.mark.parametrize(
    ("prior", "told"),
    [
        ({"learned": LEARNED}, "prior.reference: field required"),
        ({"learned": LEARNED, "reference": {"happy": 1.0}}, "prior: reference has no share of angry, disgust"),
        ({"learned": LEARNED | {"bored": 0.1}, "reference": EVEN}, "prior: learned has a share of bored"),
        ({"learned": LEARNED | {"sad": 0.0}, "reference": EVEN}, "prior: learned gives sad a share of 0"),
        ({"learned": LEARNED | {"sad": 0.5}, "reference": EVEN}, r"prior: learned adds up to 1\.38"),
        ({"learned": LEARNED | {"sad": "much"}, "reference": EVEN}, "prior.learned.sad: input should be a valid"),
    ],
)
def test_a_prior_of_a_sidecar_that_cannot_be_is_refused(model, prior, told):
    with pytest.raises(ModelError, match=told):
        EmotionClassifier.load(model(prior=prior))


def test_a_prior_is_refused_where_the_model_does_not_say_what_it_learned(tmp_path, model):
    settings = load_text(tmp_path, "emotion: {prior: {neutral: 0.6}}").config.emotion
    with pytest.raises(ModelError, match=r"emotion\.prior: the model .* does not say which shares"):
        make_classifier(settings.model_copy(update={"model": model()}))


def test_profile_file_and_camera_merge_their_shares(tmp_path):
    text = "emotion: {prior: {neutral: 0.6}}\ncameras: {door: {emotion: {prior: {happy: 0.2}}}}"
    config = load_text(tmp_path, text).config
    assert config.emotion.prior.given == {"neutral": 0.6}
    assert config.cameras["door"].emotion.prior.given == {"happy": 0.2, "neutral": 0.6}


@pytest.mark.parametrize(
    ("prior", "told"),
    [
        ("{bored: 0.1}", "emotion.prior.bored"),
        ("{happy: 0}", "out of range, which is above 0"),
        ("{happy: lots}", "is not a fraction"),
        ("{happy: 0.7, sad: 0.4}", "emotion.prior.happy: `0.7` makes a sum of 1.1, which leaves nothing"),
        ("{happy: 1}", "leaves nothing"),
        ("{" + ", ".join(f"{label}: 0.1" for label in LABELS) + "}", "makes a sum of 0.7, and not of 1"),
        ("0.6", "is not a section"),
    ],
)
def test_a_prior_of_the_config_that_cannot_be_is_refused(tmp_path, prior, told):
    with pytest.raises(ConfigFaults) as caught:
        load_text(tmp_path, f"emotion: {{prior: {prior}}}")
    assert told in str(caught.value)


@given(logits=st.lists(st.floats(-30, 30), min_size=7, max_size=7), temperature=st.floats(0.2, 5))
def test_energy_is_what_its_paper_says(logits, temperature):
    found = energy([logit / temperature for logit in logits], temperature)
    assert found == pytest.approx(-temperature * math.log(sum(math.exp(one / temperature) for one in logits)))


def test_crops_of_too_high_an_energy_are_not_read_whatever_the_prior(model):
    plain = EmotionClassifier.load(model())
    temperature = plain.sidecar.temperature
    energies = [energy((row / temperature).tolist(), temperature) for row in plain.logits(CROPS).astype(float)]
    most = sorted(energies)[1] + 1e-6
    path = model(familiar={"energy": most}, prior={"learned": LEARNED, "reference": EVEN})
    for prior in ({}, {"happy": 0.9}):
        classifier = EmotionClassifier.load(path, prior=prior)
        told = classifier.read(CROPS)
        assert [scores is None for scores in told] == [one > most for one in energies]
        whole = classifier.classify(CROPS)
        assert all(scores in (None, known) for scores, known in zip(told, whole, strict=True))
