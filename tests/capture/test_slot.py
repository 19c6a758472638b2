from __future__ import annotations

import threading
import time

import pytest

from edge_fer.capture.slot import FileSlot, LiveSlot, Slot, SlotClosedError
from tests.capture.helpers import frame


def test_live_slot_keeps_the_newest_and_counts_the_others():
    slot = LiveSlot()
    for index in range(5):
        assert slot.put(frame(index))
    taken = slot.take(0)
    assert taken is not None
    assert taken.index == 4
    assert slot.dropped == 4
    assert slot.take(0) is None


def reading(slot: Slot) -> tuple[list[int], threading.Thread]:
    """The frames that come out of it, as a thread of their own takes them until it is closed."""
    taken: list[int] = []

    def read():
        while not slot.closed:
            got = slot.take(5)
            if got is not None:
                taken.append(got.index)

    reader = threading.Thread(target=read)
    reader.start()
    return taken, reader


def test_file_slot_hands_over_every_frame_in_order():
    slot = FileSlot()
    taken, reader = reading(slot)
    for index in range(500):
        assert slot.put(frame(index), 5)
    slot.close()
    reader.join(5)
    assert taken == list(range(500))
    assert slot.dropped == 0


def test_live_slot_under_threads_loses_nothing_uncounted():
    slot = LiveSlot()
    taken, reader = reading(slot)
    for index in range(2000):
        slot.put(frame(index))
    slot.close()
    reader.join(5)
    assert taken == sorted(set(taken))
    assert taken[-1] == 1999, "the newest always arrives"
    assert len(taken) + slot.dropped == 2000


def test_a_full_file_slot_says_so_in_time():
    slot = FileSlot()
    assert slot.put(frame(0), 0)
    assert not slot.put(frame(1), 0.01)
    taken = slot.take(0)
    assert taken is not None
    assert taken.index == 0


@pytest.mark.parametrize("make", [LiveSlot, FileSlot])
def test_what_was_put_in_before_closing_still_comes_out(make: type[Slot]):
    slot = make()
    slot.put(frame(7))
    slot.close()
    assert not slot.closed, "there is still a frame in it"
    taken = slot.take(0)
    assert taken is not None
    assert taken.index == 7
    assert slot.closed
    assert slot.take() is None
    with pytest.raises(SlotClosedError):
        slot.put(frame(8))
    slot.close()


def test_closing_wakes_a_writer_whose_reader_failed():
    slot = FileSlot()
    slot.put(frame(0))
    caught = threading.Event()

    def write():
        with pytest.raises(SlotClosedError):
            slot.put(frame(1))
        caught.set()

    writer = threading.Thread(target=write)
    writer.start()
    slot.close()
    assert caught.wait(5)
    writer.join()


@pytest.mark.parametrize("make", [LiveSlot, FileSlot])
def test_closing_wakes_a_reader(make: type[Slot]):
    slot = make()
    began = time.monotonic()
    closer = threading.Timer(0.02, slot.close)
    closer.start()
    assert slot.take(30) is None
    assert time.monotonic() - began < 5
    closer.join()
