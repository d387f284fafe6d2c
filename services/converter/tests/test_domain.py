"""The rules of sizes, states, retries, progress and acceptance."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.converter.domain import probe as p
from services.converter.domain.geometry import (
    FULL_HD,
    Size,
    displayed,
    even,
    fitted,
    full_hd_box,
    shrunk,
)
from services.converter.domain.progress import Progress, fraction_of
from services.converter.domain.recipes import plays_as_it_is, recipes
from services.converter.domain.retry import Failure, GiveUp, TryAgain, after_failure
from services.converter.domain.status import AUTOMATIC, BY_HAND, IllegalTransition, move
from shared.contracts.converter import ConversionStatus, Rendition

sizes = st.builds(Size, st.integers(1, 10_000), st.integers(1, 10_000))
statuses = st.sampled_from(get_args(ConversionStatus))

FILM = p.Probe(
    p.Video(0, "h264", "yuv420p", 1280, 720, frame_rate=Fraction(24000, 1001)),
    p.Audio(1, "aac", 2),
    10.0,
)


def with_video(**changes: object) -> p.Probe:
    assert FILM.video
    return replace(FILM, video=replace(FILM.video, **changes))  # type: ignore[arg-type]


@given(sizes)
def test_what_is_shrunk_fits_and_is_never_enlarged(size: Size) -> None:
    box = full_hd_box(size)
    small = shrunk(size, box)
    assert small.width <= min(box.width, size.width)
    assert small.height <= min(box.height, size.height)


@given(sizes)
def test_fitting_keeps_proportions_within_half_a_pixel(size: Size) -> None:
    picture = fitted(size, FULL_HD)
    assert picture.width == FULL_HD.width or picture.height == FULL_HD.height
    scale = min(Fraction(FULL_HD.width, size.width), Fraction(FULL_HD.height, size.height))
    assert abs(picture.width - size.width * scale) <= Fraction(1, 2) or picture.width == 1
    assert abs(picture.height - size.height * scale) <= Fraction(1, 2) or picture.height == 1


@given(sizes)
def test_even_sides_lose_at_most_one_pixel(size: Size) -> None:
    result = even(size)
    assert result.width % 2 == result.height % 2 == 0
    assert 0 <= size.width - result.width <= 1 or result.width == 2
    assert 0 <= size.height - result.height <= 1 or result.height == 2


def test_a_portrait_film_gets_the_standing_box() -> None:
    assert full_hd_box(Size(1200, 2000)) == Size(1080, 1920)
    assert full_hd_box(Size(2000, 1200)) == full_hd_box(Size(500, 500)) == FULL_HD


def test_a_viewer_sees_square_pixels_and_the_right_side_up() -> None:
    assert displayed(720, 576, aspect=Fraction(16, 15), rotation=0) == Size(768, 576)
    assert displayed(1920, 1080, aspect=Fraction(1), rotation=90) == Size(1080, 1920)
    assert displayed(1920, 1080, aspect=Fraction(0), rotation=180) == Size(1920, 1080)


@given(statuses, statuses, st.booleans())
def test_only_the_drawn_edges_exist(
    current: ConversionStatus, target: ConversionStatus, by_hand: bool
) -> None:
    edges = AUTOMATIC | BY_HAND if by_hand else AUTOMATIC
    if (current, target) in edges:
        assert move(current, target, by_hand=by_hand) == target
    else:
        with pytest.raises(IllegalTransition):
            move(current, target, by_hand=by_hand)


def test_completed_is_final() -> None:
    assert not [edge for edge in AUTOMATIC | BY_HAND if edge[0] == "completed"]


@given(st.integers(0, 10), st.floats(0, 1, exclude_max=True))
def test_waits_grow_threefold_up_to_ten_minutes(retries: int, chance: float) -> None:
    decision = after_failure(
        Failure("ffmpeg_failed", "?"),
        retry_count=retries,
        max_retries=20,
        timeouts=0,
        chance=chance,
    )
    assert isinstance(decision, TryAgain)
    assert decision.seconds == pytest.approx(chance * min(600, 5 * 3**retries))


@pytest.mark.parametrize(
    ("retries", "timeouts", "permanent"), [(3, 0, False), (0, 2, False), (0, 0, True)]
)
def test_some_failures_are_final(retries: int, timeouts: int, permanent: bool) -> None:
    failure = Failure("x", "?", permanent)
    decision = after_failure(
        failure, retry_count=retries, max_retries=3, timeouts=timeouts, chance=0.5
    )
    assert isinstance(decision, GiveUp)
    assert ("fastest settings" in decision.failure.message) == (timeouts == 2)


WEIGHTS = st.dictionaries(st.sampled_from(get_args(Rendition)), st.integers(1, 60), min_size=1)


@given(WEIGHTS, st.data())
def test_progress_never_says_hundred_too_early(
    weights: dict[Rendition, int], data: st.DataObject
) -> None:
    progress = Progress(weights)
    for rendition in data.draw(st.permutations(list(weights))):
        others = data.draw(st.dictionaries(st.sampled_from(list(weights)), st.floats(-1, 2)))
        for other, fraction in others.items():
            progress.note(other, fraction)
            assert 0 <= progress.percent <= 99
        assert progress.stage in weights
        progress.finish(rendition)
        least = 100 * weights[rendition] // sum(weights.values())
        assert min(least, 99) <= progress.percent
    assert (progress.percent, progress.stage) == (100, None)


@given(WEIGHTS, st.data())
def test_progress_grows_with_each_of_those_under_way(
    weights: dict[Rendition, int], data: st.DataObject
) -> None:
    progress, last = Progress(weights), 0
    steps = data.draw(st.lists(st.sampled_from(list(weights)), max_size=20))
    for step, rendition in enumerate(steps, 1):
        progress.note(rendition, step / len(steps))
        assert progress.percent >= last
        last = progress.percent


def test_progress_is_read_from_ffmpegs_report() -> None:
    assert fraction_of("out_time_us=2500000\n", 10.0) == 0.25
    assert fraction_of("out_time_us=99000000", 10.0) == 1.0
    assert fraction_of("progress=end", None) == 1.0
    for noise in ("out_time_us=N/A", "fps=3", "", "out_time_us=-5", "=", "out_time_us"):
        assert fraction_of(noise, 10.0) is None
    assert fraction_of("out_time_us=5", None) is None


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (replace(FILM, iso=False), p.NotIsoMedia),
        (replace(FILM, damage="its end is missing"), p.Truncated),
        (replace(FILM, encrypted=True), p.Encrypted),
        (replace(FILM, video=None), p.NoVideo),
        (with_video(width=8000, height=4501), p.TooManyPixels),
        (with_video(width=10, height=10, aspect=Fraction(2**32)), p.TooManyPixels),
        (replace(FILM, decodes=False), p.Undecodable),
    ],
)
def test_what_cannot_be_converted_is_refused_by_name(
    probe: p.Probe, reason: type[p.Unconvertible]
) -> None:
    with pytest.raises(reason):
        p.accept(probe)
    assert reason.status == 415


@pytest.mark.parametrize(
    "probe",
    [
        FILM,
        with_video(width=7680, height=4320),
        with_video(width=8000, height=4500),
        replace(FILM, audio=None, duration=None),
    ],
)
def test_everything_else_is_accepted(probe: p.Probe) -> None:
    p.accept(probe)


@pytest.mark.parametrize(
    ("head", "looks"),
    [
        (b"\0\0\0\x20ftypisom", True),
        (b"\0\0\0\x14ftypqt  ", True),
        (b"#EXTM3U\nhttp", False),
        (b"\0\0\0\0ftypisom", False),
        (b"\xff\xff\xff\xffftypisom", False),
        (b"", False),
        (b"\0\0\0\x20fty", False),
    ],
)
def test_the_first_bytes_tell_iso_media(head: bytes, looks: bool) -> None:
    assert p.looks_like_iso_media(head) is looks


def test_a_probe_survives_its_journey_as_json() -> None:
    import json

    for probe in (FILM, replace(FILM, video=None, audio=None), with_video(frame_rate=None)):
        assert p.Probe.of_json(json.loads(json.dumps(probe.as_json()))) == probe


def test_renditions_come_in_order_of_worth() -> None:
    made = [recipe.rendition for recipe in recipes(FILM, "av1")]
    assert made == ["thumbnail", "mp4", "gif", "poster_best", "webm"]


def test_a_conforming_source_is_copied_not_encoded() -> None:
    assert plays_as_it_is(FILM)
    assert "copy" in recipes(FILM, "av1")[1].commands[0].arguments


@pytest.mark.parametrize(
    "probe",
    [
        with_video(codec="hevc"),
        with_video(pixel_format="yuv420p10le"),
        with_video(width=2560, height=1440),
        with_video(rotation=90),
        with_video(aspect=Fraction(4, 3)),
        with_video(frame_rate=Fraction(120)),
        replace(FILM, audio=p.Audio(1, "opus", 2)),
        replace(FILM, audio=p.Audio(1, "aac", 6)),
    ],
)
def test_a_source_that_some_browser_cannot_play_is_encoded(probe: p.Probe) -> None:
    assert "libx264" in recipes(probe, "av1")[1].commands[0].arguments


def test_every_command_reads_with_one_demuxer_and_from_files_only() -> None:
    for codec in ("av1", "vp9"):
        for recipe in recipes(FILM, codec):
            for command in (*recipe.commands, *(each for made in recipe.smaller for each in made)):
                before = command.arguments[: command.arguments.index("-i")]
                lists = {"-format_whitelist", "-protocol_whitelist", "-codec_whitelist"}
                assert {"-nostdin", "-max_streams", "-max_pixels"} | lists <= set(before)
                assert before[-2:] == ("-f", "mov") or "-t" in before
