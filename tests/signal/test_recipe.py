"""Recipes: parsing, formatting, reproducibility, bad input."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from savee_mm.signal import (
    add_noise,
    apply_gain,
    apply_recipe,
    format_recipe,
    invert_polarity,
    parse_recipe,
    pitch_shift,
    time_stretch,
)

SR = 16000
EVERYTHING = (
    "time_stretch(rate=0.93) pitch_shift(n_steps=1.25) add_noise(snr=18.5, seed=12345) apply_gain(gain=-3.0) "
    "invert_polarity()"
)


def test_steps_are_applied_from_left_to_right(tone):
    y = tone(sr=SR, seconds=0.5)
    by_hand = add_noise(pitch_shift(time_stretch(y, SR, 0.93), SR, 1.25), 18.5, seed=12345)
    np.testing.assert_array_equal(apply_recipe(y, SR, EVERYTHING), invert_polarity(apply_gain(by_hand, -3.0)))
    one = apply_recipe(y, SR, "apply_gain(gain=6.0) add_noise(snr=0.0, seed=1)")
    np.testing.assert_array_equal(one, add_noise(apply_gain(y, 6), 0, seed=1))


def test_text_and_steps_are_equivalent(tone):
    assert format_recipe(parse_recipe(EVERYTHING)) == EVERYTHING
    np.testing.assert_array_equal(
        apply_recipe(tone(sr=SR), SR, EVERYTHING), apply_recipe(tone(sr=SR), SR, parse_recipe(EVERYTHING))
    )


def test_numbers_are_preserved_exactly():
    rng = np.random.default_rng(0)
    values = [0.1 + 0.2, 1 / 3, -1e-17, 5e-324, *rng.uniform(-30, 30, 50), np.float32(0.1), np.int64(3), 12]
    for value in values:
        [(_, arguments)] = parse_recipe(format_recipe([("pitch_shift", {"n_steps": value})]))
        assert arguments["n_steps"] == float(value)
    [(_, arguments)] = parse_recipe(format_recipe([("add_noise", {"snr": 1, "seed": np.uint32(2**32 - 1)})]))
    assert arguments == {"snr": 1.0, "seed": 2**32 - 1}


def test_other_spacing_and_number_formats_are_parsed():
    written = "  add_noise( seed = 7,snr=+1.5e1 )\n apply_gain(gain=.5)invert_polarity( ) "
    assert format_recipe(parse_recipe(written)) == "add_noise(snr=15.0, seed=7) apply_gain(gain=0.5) invert_polarity()"


def test_empty_recipe_does_not_change_the_sound(tone):
    assert parse_recipe("") == parse_recipe(" ") == ()
    assert format_recipe(()) == ""
    np.testing.assert_array_equal(apply_recipe(tone(), SR, ""), tone().astype(np.float32))


def test_results_are_equal_in_another_process():
    code = (
        "import hashlib, numpy as np; from savee_mm.signal import apply_recipe;"
        "y = np.random.default_rng(0).uniform(-0.5, 0.5, 9000).astype(np.float32);"
        f"print(hashlib.sha256(apply_recipe(y, {SR}, {EVERYTHING!r}).tobytes()).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    y = np.random.default_rng(0).uniform(-0.5, 0.5, 9000).astype(np.float32)
    assert {run.stdout.strip() for run in runs} == {
        hashlib.sha256(apply_recipe(y, SR, EVERYTHING).tobytes()).hexdigest()
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reverb(room=3)", r"unknown step 'reverb'; expected one of time_stretch\(rate=...\), pitch_shift"),
        ("__import__('os')", "unknown step '__import__'|not of the form"),
        ("pitch_shift", "expected steps such as .* got 'pitch_shift'"),
        ("pitch_shift(n_steps=1) and more", "got 'and more'"),
        ("pitch_shift(n_steps=1", "got 'pitch_shift"),
        (
            "pitch_shift(1.5)",
            r"'1.5' in pitch_shift is not of the form name=number; expected pitch_shift\(n_steps=...\)",
        ),
        ("pitch_shift(n_steps=1, n_steps=2)", "'n_steps=2' in pitch_shift is given twice"),
        ("pitch_shift()", r"pitch_shift got no parameter; expected pitch_shift\(n_steps=...\)"),
        ("pitch_shift(semitones=1)", "pitch_shift got semitones; expected"),
        ("add_noise(snr=10)", r"add_noise got snr; expected add_noise\(snr=..., seed=...\)"),
        ("add_noise(snr=10, seed=1.5)", "seed must be a whole number .* got 1.5 in add_noise"),
        ("add_noise(snr=10, seed=1,)", "'' in add_noise is not of the form"),
        ("apply_gain(gain=nan)", "gain must be a number from -200.0 to 200.0, got 'nan'"),
        ("apply_gain(gain=1_0)", "got '1_0'"),
        ("apply_gain(gain=1e999)", "got inf"),
        ("time_stretch(rate=0)", "rate must be a number from 0.1 to 10.0, got 0 in time_stretch"),
        ("invert_polarity(x=1)", r"invert_polarity got x; expected invert_polarity\(\)"),
    ],
)
def test_bad_recipe_is_refused(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_recipe(text)
    assert text in str(caught.value)
    with pytest.raises(ValueError, match=message):
        apply_recipe(np.zeros(10), SR, text)


@pytest.mark.parametrize("text", [None, 3.5, b"invert_polarity()"])
def test_bad_type_is_refused(text):
    with pytest.raises(ValueError, match="expected the text of a recipe, got"):
        parse_recipe(text)


@pytest.mark.parametrize("steps", [[("reverb", {})], [("apply_gain", {})], [("apply_gain", {"gain": "6"})]])
def test_bad_steps_are_not_written(steps):
    with pytest.raises(ValueError, match="recipe: "):
        format_recipe(steps)
