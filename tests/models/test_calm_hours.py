"""Invented hours of calm people: how faces are made, how readings waver, and that calm people raise no alerts."""

import numpy as np
import pytest

from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from models.recipe.calm_faces import Look, calm_people, rendered
from models.recipe.calm_hours import (
    PLACES,
    Wavering,
    alerts_by_score,
    alerts_of,
    clip_logits,
    invented,
    profile_config,
    readings_of,
    wavering_of,
)
from models.recipe.cut_portraits import _london, cut
from models.recipe.data.folders import crop_frame
from models.recipe.data.portraits import Portraits
from tests.fetched import FOLDER, blazeface_models
from tests.shared import shared_data


@pytest.fixture(scope="module")
def people():
    """The first eight of the London set."""
    folder = shared_data() / "faces" / "london"
    rows = list(_london(folder))[:16]
    portraits = cut(folder, rows, BlazeFaceDetector(blazeface_models(), min_size=32), crop_frame())
    return calm_people("london", portraits)


@pytest.fixture(scope="module")
def settings():
    return profile_config("ward").model_copy(update={"models_dir": FOLDER})


@pytest.fixture(scope="module")
def logits(settings):
    return clip_logits(shared_data() / "clips" / "wolfgang-langer-pexels.mp4", settings)


def test_calm_people_are_neutral_grown_and_smile_where_they_are_known_to(people):
    assert len(people) == 8
    assert all(person.smiling is not None for person in people)


def test_a_baby_and_a_face_that_one_reader_calls_sad_are_not_among_them():
    votes = np.zeros((3, 8), np.uint8)
    votes[:, 6] = [3, 3, 2]
    votes[2, 4] = 1
    nothing = np.zeros((3, 48, 48), np.uint8)
    portraits = Portraits(
        names=np.array(["grown", "baby", "sad"]),
        wide=np.zeros((3, 96, 96, 3), np.uint8),
        crops=nothing,
        votes=votes,
        second=np.zeros((3, 7), np.uint8),
        group=np.arange(3),
        age=np.array(["old", "baby", "adult"]),
        skin=np.array([""] * 3),
        cover=np.array([""] * 3),
    )
    assert [person.name for person in calm_people("made", portraits)] == ["made/grown"]


def test_a_face_at_rest_is_the_crop_that_the_daemon_cuts():
    folder = shared_data() / "faces" / "london"
    portraits = cut(folder, list(_london(folder))[:2], BlazeFaceDetector(blazeface_models(), min_size=32), crop_frame())
    (person,) = calm_people("london", portraits)
    row = int(np.flatnonzero(portraits.votes[:, 6])[0])
    shown = rendered(person, Look(), np.random.default_rng(0)).astype(int)
    assert np.abs(shown - portraits.crops[row]).mean() < 4


def changed(person, **look):
    """How much each row of a face changes by a look, in grey levels."""
    random = np.random.default_rng(0)
    difference = rendered(person, Look(**look), random).astype(int) - rendered(person, Look(), random)
    return np.abs(difference).mean(axis=1), difference


def test_what_somebody_does_moves_the_part_of_the_face_that_it_should(people):
    eyes, mouth = slice(15, 22), slice(36, 42)
    for person in people:
        lids, _ = changed(person, lids=1.0)
        assert lids[eyes].mean() > 3 > lids[mouth].mean()
        opened, difference = changed(person, mouth=0.08)
        assert opened[mouth].mean() > 3 > opened[eyes].mean()
        assert difference[37:41, 20:28].mean() < -15, "the inside of a mouth is dark"
        chewing, _ = changed(person, jaw=(0.05, 0.01))
        assert chewing[mouth].mean() > 1 > chewing[eyes].mean()
        assert changed(person, pitch=0.4)[0].mean() > 3
        assert changed(person, smiling=True)[0].mean() > 3


def test_wavering_is_found_again_in_readings_made_with_it():
    random = np.random.default_rng(1)
    covariance = np.diag([0.5, 0.1, 0.1, 0.4, 0.2, 0.1, 0.3])
    made = Wavering(covariance, 0.1)
    state, rows = made.begun(random), []
    for _ in range(4000):
        state = made.later(state, 1 / 24, random)
        rows.append(state)
    found = wavering_of(np.array(rows), 24.0)
    assert found.seconds == pytest.approx(0.1, rel=0.3)
    # adding the same to all logits changes no score, so it is no wavering
    centred = covariance - covariance.mean(axis=0) - covariance.mean(axis=1)[:, None] + covariance.mean()
    assert np.diag(found.covariance) == pytest.approx(np.diag(centred), rel=0.25)


def test_a_day_has_as_many_people_as_the_place_says_each_with_everything_to_do(people):
    random = np.random.default_rng(0)
    steps = list(invented(PLACES["ward"], people, seconds=8 * 3600, rate=0.5, random=random))
    assert len({who for _, who, _, _ in steps}) == 8
    assert len({person.name for _, _, person, _ in steps}) == 8, "everybody once before anybody twice"
    looks = [look for _, _, _, look in steps]
    assert any(look.smiling for look in looks)
    for kind, much in (("mouth", 0.01), ("pitch", 0.25), ("lids", 0.5)):
        assert 0.02 < np.mean([getattr(look, kind) > much for look in looks]) < 0.9, kind
    guests = {who for _, who, _, _ in invented(PLACES["counter"], people, seconds=3600, rate=0.5, random=random)}
    assert 15 < len(guests) < 35


@pytest.mark.parametrize("profile", PLACES)
def test_calm_people_raise_at_most_one_alert(profile, people, logits):
    wavering = wavering_of(*logits)
    steps = [step[:2] for step in readings_of(profile, people, wavering, hours=0.25, rate=4.0)]
    assert len(steps) > 1500
    assert sum(alerts_of(profile, steps).values()) <= 1
    # the same hours do raise alerts where the threshold lets them
    by_score = alerts_by_score(profile, steps, [0.001, 0.999])
    assert by_score[0.001] > by_score[0.999] == 0
