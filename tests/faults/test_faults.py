"""The fault suite in its short form: each kind of fault once, in another order and at other times in each run."""

from __future__ import annotations

import os
import secrets

import pytest

from tests.faults.bars import failures, table
from tests.faults.faults import FAULTS
from tests.faults.outage import outage
from tests.faults.suite import run


@pytest.mark.timeout(1200)
def test_nothing_is_lost_among_faults_of_all_kinds(tmp_path):
    seed = int(os.environ.get("EDGE_FER_SEED", secrets.randbelow(10**6)))
    print(f"seed {seed}: EDGE_FER_SEED={seed} runs it again")
    outcome = run(tmp_path, count=len(FAULTS), seed=seed, say=True, hurry=0.3)
    print(table(outcome))
    assert failures(outcome, patience=4) == []
    assert outcome.faults.total() == len(FAULTS)


@pytest.mark.slow
def test_the_beginning_of_a_long_outage(tmp_path):
    """The whole of it takes too long for every day: `make test-faults`."""
    found = outage(tmp_path, hours=0.5)
    assert (found.waiting, found.dropped, found.oldest) == (1800, 0, 1800)
    assert found.size * 144 < found.limit
