"""Who may be sent something while who else is slow: one bad receiver never takes another's place."""

from __future__ import annotations

from nashr.runtime.abroad import PER_RECEIVER, THREADS, Receivers


def test_a_receiver_that_answers_has_a_few_requests_at_a_time() -> None:
    """It is closed when they are out, and open again when one comes back."""
    receivers = Receivers()
    for _ in range(PER_RECEIVER):
        assert receivers.closed() == []
        receivers.begin("good")
    assert receivers.closed() == ["good"]
    receivers.end("good", well=True)
    assert receivers.closed() == []


def test_one_that_failed_has_one_request_until_it_answers() -> None:
    """Whatever waits for it waits; an answer opens it again."""
    receivers = Receivers()
    receivers.begin("bad")
    receivers.end("bad", well=False)
    receivers.begin("bad")
    assert receivers.closed() == ["bad"]
    receivers.end("bad", well=True)
    receivers.begin("bad")
    assert receivers.closed() == []


def test_ailing_receivers_leave_half_of_the_threads_to_the_others() -> None:
    """However many of them there are."""
    receivers = Receivers()
    bad = [f"bad{number:02}" for number in range(THREADS)]
    for name in bad:
        receivers.begin(name)
        receivers.end(name, well=False)
    for name in bad[: THREADS // 2]:
        receivers.begin(name)
    assert receivers.closed() == bad
    assert receivers.running == THREADS // 2
