"""Chunks: every case is handed out, once, and one that kills its process twice."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbsim.run.workers import MOST, Chunks, serial

counts = st.integers(0, 400)
workers = st.integers(1, 9)


@given(counts, workers, st.randoms(use_true_random=False))
def test_every_number_is_handed_out_once(count, workers, random):
    chunks = Chunks(range(count), workers)
    out: list[int] = []
    while chunks:
        left = len(chunks.waiting)
        piece = chunks.take()
        assert 1 <= len(piece) <= MOST
        assert len(piece) <= max(1, left / (2 * workers))  # something for the others
        out += piece
        chunks.took(len(piece), 10 ** random.uniform(-6, 2))
    assert out == list(range(count))


@given(counts, workers, st.sets(st.integers(0, 400)), st.randoms(use_true_random=False))
def test_a_number_is_handed_out_twice_at_most(count, workers, deadly, random):
    """Any of the workers may be the next to be done, or killed by what it was given."""
    chunks = Chunks(range(count), workers)
    out: Counter[int] = Counter()
    done: list[int] = []
    failed: list[int] = []
    busy: list[list[int]] = []
    while chunks or busy:
        if chunks and len(busy) < workers:
            piece = chunks.take()
            out.update(piece)
            busy.append(piece)
            continue
        piece = busy.pop(random.randrange(len(busy)))
        if deadly & set(piece):
            failed += chunks.give_back(piece)
        else:
            done += piece
            chunks.took(len(piece), random.choice([1e-4, 0.01, 5.0]))
    assert sorted(done + failed) == list(range(count))
    assert set(failed) == deadly & set(range(count))
    assert all(times <= 2 for times in out.values())
    assert all(out[number] == 2 for number in failed)


@given(st.floats(1e-5, 0.05))
def test_pieces_are_of_about_the_time_that_was_asked_for(each):
    chunks = Chunks(range(100_000), 2)
    for _ in range(30):
        piece = chunks.take()
        chunks.took(len(piece), each * len(piece))
    seconds = len(chunks.take()) * each
    assert seconds <= chunks.seconds + 1e-9
    assert seconds > chunks.seconds - each or len(piece) == MOST


@given(counts)
def test_here_gives_all_of_them_in_order(count):
    asked: list[list[int]] = []

    def job(numbers):
        asked.append(list(numbers))
        return [-number for number in numbers]

    found = [point for points in serial(job, range(count)) for point in points]
    assert found == [-number for number in range(count)]
    assert [number for piece in asked for number in piece] == list(range(count))


def test_what_the_job_raises_is_raised():
    def job(numbers):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(serial(job, [1, 2]))
