"""What a run could not keep at its end: noted beside the outbox, and counted and told by the next run, once."""

from __future__ import annotations

import resource

from edge_fer.contract.messages import MessageKind
from edge_fer.outbox.losses import Losses
from tests.faults.node import fill, small_disk
from tests.mqtt.kit import BOOT, open_outbox
from tests.mqtt.outbox_kit import put


def test_losses_add_up_until_they_are_counted(tmp_path):
    losses = Losses(tmp_path / "losses")
    assert losses.read() is None
    losses.note({MessageKind.EVENT: 2})
    losses.note({MessageKind.EVENT: 1, MessageKind.SUMMARY: 4})
    assert losses.read().counts == {MessageKind.ALERT_EVENT: 0, MessageKind.EVENT: 3, MessageKind.SUMMARY: 4}
    losses.clear()
    assert losses.read() is None


def test_a_damaged_note_is_not_believed(tmp_path):
    path = tmp_path / "losses"
    losses = Losses(path)
    losses.note({MessageKind.EVENT: 2})
    path.write_bytes(path.read_bytes().replace(b": 2", b": 7"))
    assert losses.read() is None


def test_the_next_run_counts_and_tells_what_a_full_disk_did_not_take(tmp_path, caplog):
    with small_disk(tmp_path, 4) as mounted:
        path = tmp_path / "disk" / "outbox.db"
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        open_outbox(path, boot=BOOT).close()
        if mounted:
            fill(path.parent)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, before[1]))
        outbox = open_outbox(path, boot=BOOT)
        for kind in (MessageKind.EVENT, MessageKind.EVENT, MessageKind.ALERT_EVENT):
            put(outbox, kind)
        outbox.close()
        if mounted:
            (path.parent / "ballast").unlink()
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        for _ in range(2):
            outbox = open_outbox(path, boot=BOOT)
            assert outbox.dropped == {MessageKind.ALERT_EVENT: 1, MessageKind.EVENT: 2, MessageKind.SUMMARY: 0}
            outbox.close()
        assert caplog.text.count("3 messages of an earlier run are lost") == 1


def test_a_loss_is_counted_once_where_the_note_could_not_be_cleared(tmp_path):
    path = tmp_path / "outbox.db"
    note = path.with_name("outbox.db-losses")
    open_outbox(path, boot=BOOT).close()
    Losses(note).note({MessageKind.EVENT: 5})
    kept = note.read_bytes()
    for _ in range(2):
        outbox = open_outbox(path, boot=BOOT)
        assert outbox.dropped[MessageKind.EVENT] == 5
        outbox.close()
        note.write_bytes(kept)
