"""What ffmpeg says is kept, within bounds."""

from __future__ import annotations

from services.converter.transcript import Transcript


def test_a_film_that_makes_ffmpeg_talk_for_ever_is_heard_in_part() -> None:
    transcript = Transcript(kept=10)
    for _ in range(1000):
        transcript.write(b"0123456789ab")
    content = transcript.content()
    assert content == b"0123456789\n[11980 bytes left out]\n23456789ab"
