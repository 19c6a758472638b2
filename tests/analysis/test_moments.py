"""The report of a real recording says what a person saw in it."""

from __future__ import annotations

from tests.analysis import moments
from tests.fetched import models_folder
from tests.shared import shared_data


def test_the_timeline_agrees_with_what_was_seen(tmp_path):
    models_folder()
    report = moments.report_of(shared_data() / moments.MOMENTS["clip"], tmp_path / "out")
    found = moments.verdicts(report)
    agreed = [one for one in found if one.agreed]
    assert len(agreed) >= 12, moments.table(found)
    assert {"happy", "sad", "neutral"} <= {one.told for one in agreed}, "smiles, frowns and a neutral stretch"
    assert moments.in_the_docs() == moments.table(found), "run: python -m tests.analysis.moments"
