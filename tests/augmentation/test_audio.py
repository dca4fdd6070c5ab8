"""AudioAugmenter: recipes of the copies, their dependence on seed and clip, no leakage, bad input."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from savee_mm import ClipGroupKFold, MFCCImage, ProsodyFeatures
from savee_mm.augmentation import AudioAugmenter
from savee_mm.signal import parse_recipe

ALL = ["time_stretch", "pitch_shift", "add_noise", "apply_gain", "invert_polarity"]
RANGES = {"stretch_rate": "time_stretch", "semitones": "pitch_shift", "snr_db": "add_noise", "gain": "apply_gain"}

# Other recipes for the same seed would invalidate caches and published results.
FROZEN = [
    "pitch_shift(n_steps=0.501) apply_gain(gain=-4.1)",
    "pitch_shift(n_steps=1.759) invert_polarity()",
]


@pytest.fixture
def table():
    """Make a clip table without files: ``table(n_clips)``."""

    def make(n_clips=200):
        names = [f"{speaker}_a{i:03}" for i, speaker in enumerate((["DC", "JE", "JK", "KL"] * n_clips)[:n_clips])]
        return pd.DataFrame(
            {
                "audio": [f"/corpus/{name}.wav" for name in names],
                "video": None,
                "speaker": [name[:2] for name in names],
                "sentence": [f"s{i % 7}" for i in range(n_clips)],
                "clip_id": names,
                "age": np.arange(n_clips),
            },
            index=np.arange(n_clips) * 3 + 5,
        )

    return make


def steps_of(augmented):
    """Return the steps of each copy."""
    return [parse_recipe(recipe) for recipe in augmented["augmentation"] if recipe is not None]


def test_originals_come_first_and_unchanged_then_all_copies(table):
    X = table(6)
    before = X.copy()
    y = np.array(list("ahsfdn"))
    X_out, y_out = AudioAugmenter(n_copies=2, random_state=0).fit_resample(X, y)
    assert X_out.index.tolist() == list(range(18))
    assert X_out.columns.tolist() == [*X.columns, "augmentation"]
    for copy in range(3):
        part = X_out.iloc[6 * copy : 6 * copy + 6].drop(columns="augmentation").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, X.reset_index(drop=True))
    assert X_out["augmentation"].iloc[:6].tolist() == [None] * 6
    assert X_out["augmentation"].iloc[6:].map(lambda recipe: bool(parse_recipe(recipe))).all()
    np.testing.assert_array_equal(y_out, np.tile(y, 3))
    pd.testing.assert_frame_equal(X, before)


@pytest.mark.parametrize(
    "container", [list, np.array, pd.Series, lambda y: pd.Series(y, index=[9, 9, 4], dtype="category")]
)
def test_y_keeps_its_type(table, container):
    y = container(["a", "h", "a"])
    _, y_out = AudioAugmenter(random_state=0).fit_resample(table(3), y)
    assert type(y_out) is type(y)
    assert list(y_out) == ["a", "h", "a"] * 2
    if isinstance(y, pd.Series):
        assert y_out.dtype == y.dtype
        assert y_out.index.tolist() == list(range(6))


def test_augment_gives_the_same_table_without_y(table):
    augmenter = AudioAugmenter(random_state=3)
    pd.testing.assert_frame_equal(augmenter.augment(table()), augmenter.fit_resample(table(), [0] * 200)[0])
    more = augmenter.augment(table(), n_copies=2)
    assert len(more) == 600
    pd.testing.assert_frame_equal(more.iloc[:400], augmenter.augment(table()))
    assert augmenter.n_copies == 1


def test_recipe_depends_on_the_clip_and_the_copy_only(table):
    augmenter = AudioAugmenter(n_copies=3, random_state=1)
    whole = augmenter.augment(table())
    recipes = whole.groupby("clip_id")["augmentation"].apply(list)
    shuffled = table().sample(frac=0.5, random_state=0).assign(audio="elsewhere.wav", video="a.avi")
    some = clone(augmenter).augment(shuffled).groupby("clip_id")["augmentation"].apply(list)
    assert len(some) == 100
    assert some.to_dict() == recipes[some.index].to_dict()
    # It depends on both: copies are equal only if they consist of inverted polarity.
    drawn = whole["augmentation"].iloc[200:].loc[lambda recipe: recipe != "invert_polarity()"]
    assert len(drawn) > 500
    assert drawn.nunique() > 0.98 * len(drawn)


def test_recipes_of_these_seeds_do_not_change():
    table = pd.DataFrame({"audio": ["a.wav", "b.wav"], "clip_id": ["DC_a01", "KL_n07"]})
    assert AudioAugmenter(random_state=0).augment(table)["augmentation"].tolist()[2:] == FROZEN


def test_equalizer_has_a_depth_in_its_range_and_its_own_seed(table):
    augmenter = AudioAugmenter(equalizer=(2, 8), probability=1, n_copies=3, random_state=0)
    steps = [dict(parse_recipe(recipe)) for recipe in augmenter.augment(table())["augmentation"].dropna()]
    assert all(2 <= step["equalize"]["depth"] <= 8 for step in steps)
    seeds = [step[name]["seed"] for step in steps for name in ("equalize", "add_noise")]
    assert len(set(seeds)) == len(seeds)


def test_seeds_differ_and_are_reproducible(table):
    first, again, other = (AudioAugmenter(random_state=seed).augment(table()) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert (first["augmentation"].iloc[200:] != other["augmentation"].iloc[200:]).mean() > 0.95


def test_random_state_instance_and_none_give_a_new_seed_per_call(table):
    shared_rng = AudioAugmenter(random_state=np.random.RandomState(0))
    first, second = shared_rng.augment(table()), shared_rng.augment(table())
    assert not first.equals(second)
    again = AudioAugmenter(random_state=np.random.RandomState(0)).augment(table())
    pd.testing.assert_frame_equal(first, again)
    fresh = AudioAugmenter()
    assert not fresh.augment(table()).equals(fresh.augment(table()))


@pytest.mark.parametrize("random_state", [None, 0, 7])
def test_global_state_is_not_changed(table, random_state):
    before = np.random.get_state()  # noqa: NPY002
    AudioAugmenter(random_state=random_state).augment(table())
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


def test_values_fill_their_ranges_and_stay_within(table):
    augmenter = AudioAugmenter(
        probability=1, snr_db=(5, 6), semitones=(-1, 3), stretch_rate=(0.9, 1.2), gain=(-2, 2), random_state=0
    )
    values = {}
    for steps in steps_of(augmenter.augment(table(), n_copies=5)):
        assert [name for name, _ in steps] == ALL
        for name, arguments in steps:
            for key, value in arguments.items():
                values.setdefault((name, key), []).append(value)
    for key, low, high in [
        (("add_noise", "snr"), 5, 6),
        (("pitch_shift", "n_steps"), -1, 3),
        (("time_stretch", "rate"), 0.9, 1.2),
        (("apply_gain", "gain"), -2, 2),
    ]:
        drawn = np.array(values[key])
        assert low <= drawn.min() < low + 0.02 * (high - low)
        assert high >= drawn.max() > high - 0.02 * (high - low)
        # Four standard errors of the mean of 1000 uniform draws.
        assert drawn.mean() == pytest.approx((low + high) / 2, abs=4 * (high - low) / np.sqrt(12 * 1000))
    assert len(set(values["add_noise", "seed"])) == 1000


def test_rounded_values_stay_in_a_narrow_range(table):
    augmenter = AudioAugmenter(probability=1, semitones=(0.12345, 0.12345), stretch_rate=(1.00001, 1.00002))
    for steps in steps_of(augmenter.augment(table(20))):
        arguments = dict(steps)
        assert arguments["pitch_shift"]["n_steps"] == 0.12345
        assert 1.00001 <= arguments["time_stretch"]["rate"] <= 1.00002


@pytest.mark.parametrize("probability", [0, 0.3, 1])
def test_transformations_have_their_probability_and_each_copy_has_one(table, probability):
    copies = steps_of(AudioAugmenter(probability=probability, n_copies=10, random_state=0).augment(table()))
    assert len(copies) == 2000
    assert min(map(len, copies)) >= 1
    # With probability p, or as the only one of five if none was chosen.
    expected = probability + (1 - probability) ** 5 / 5
    for kernel in ALL:
        share = np.mean([kernel in dict(steps) for steps in copies])
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 2000))


@pytest.mark.parametrize(("parameter", "kernel"), RANGES.items())
def test_none_disables_one_and_does_not_change_the_others(table, parameter, kernel):
    everything = AudioAugmenter(probability=1, random_state=0)
    without = clone(everything).set_params(**{parameter: None})
    for full, rest in zip(steps_of(everything.augment(table(30))), steps_of(without.augment(table(30))), strict=True):
        assert rest == tuple(step for step in full if step[0] != kernel)


def test_polarity_alone(table):
    augmenter = AudioAugmenter(snr_db=None, semitones=None, stretch_rate=None, gain=None, probability=0.1)
    assert set(augmenter.augment(table())["augmentation"].iloc[200:]) == {"invert_polarity()"}
    with pytest.raises(ValueError, match=r"changes nothing .* snr_db, gain, set polarity=True"):
        augmenter.set_params(polarity=False).augment(table())
    assert len(augmenter.augment(table(), n_copies=0)) == 200


def test_table_without_names_gets_the_stems_of_its_files(table):
    unnamed = table(5).drop(columns="clip_id")
    augmented = AudioAugmenter(random_state=0).augment(unnamed)
    assert augmented["clip_id"].tolist() == table(5)["clip_id"].tolist() * 2
    named = AudioAugmenter(random_state=0).augment(table(5))
    assert augmented["augmentation"].tolist() == named["augmentation"].tolist()


@pytest.mark.parametrize("empty", [None, np.nan, "", pd.NA])
def test_column_without_recipes_is_accepted(table, empty):
    X = table(4).assign(augmentation=pd.Series([empty] * 4, index=table(4).index, dtype=object))
    pd.testing.assert_frame_equal(
        AudioAugmenter(random_state=0).augment(X), AudioAugmenter(random_state=0).augment(table(4))
    )


def test_augmented_table_is_refused(table):
    augmenter = AudioAugmenter(random_state=0)
    with pytest.raises(ValueError, match=r"4 of 8 rows of the clip table are already augmented.*'DC_a000'.*n_copies"):
        augmenter.augment(augmenter.augment(table(4)))


def test_clip_and_copies_are_in_the_same_fold(table):
    y = np.array(list("ahsf") * 50)
    X, y = AudioAugmenter(n_copies=3, random_state=0).fit_resample(table(), y)
    for train, test in ClipGroupKFold(4).split(X, y):
        assert not set(X["clip_id"].iloc[train]) & set(X["clip_id"].iloc[test])
        assert len(test) == 200


def test_first_step_of_a_pipeline_changes_training_clips_only(corpus):
    seen = []
    watch = FunctionTransformer(lambda X: seen.append(X) or X)
    model = make_pipeline(
        AudioAugmenter(semitones=None, stretch_rate=None, random_state=0),
        watch,
        ProsodyFeatures(),
        StandardScaler(),
        LogisticRegression(),
    )
    scores = cross_val_score(
        model, corpus.data, corpus.target, groups=corpus.data["clip_id"], cv=ClipGroupKFold(3), error_score="raise"
    )
    assert scores.shape == (3,)
    for train, test in zip(seen[::2], seen[1::2], strict=True):
        assert len(train) == 28
        assert train["augmentation"].notna().sum() == 14
        assert len(test) == 7
        assert "augmentation" not in test
    recipes = pd.concat(seen[::2]).dropna(subset="augmentation").groupby("clip_id")["augmentation"].nunique()
    assert recipes.tolist() == [1] * 21


def test_folds_share_the_cache(corpus, tmp_path):
    augmenter = AudioAugmenter(random_state=0)
    extractor = MFCCImage(n_frames=20, cache=tmp_path)
    for train, _ in ClipGroupKFold(3).split(corpus.data, corpus.target):
        extractor.fit_transform(augmenter.augment(corpus.data.iloc[train]))
    assert len(list(tmp_path.iterdir())) == 42


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (["a.wav"], r"expects a clip table .* got list. Put it before the extractor"),
        (np.zeros((1, 3)), "got ndarray"),
        (pd.DataFrame({"video": ["a.avi"]}), r"no column 'audio'; its columns are \['video'\]"),
        (pd.DataFrame({"audio": [], "clip_id": []}), "got an empty DataFrame"),
        (
            pd.DataFrame({"audio": ["a.wav"], "augmentation": [3.5]}),
            "clip 'a': expected a recipe or nothing .* got 3.5",
        ),
    ],
)
def test_bad_table_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        AudioAugmenter().fit_resample(X, ["a"] * len(X))


def test_y_of_another_length_is_refused(table):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        AudioAugmenter().fit_resample(table(3), ["a"])


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_copies", -1),
        ("n_copies", 1.5),
        ("probability", 1.1),
        ("random_state", "0"),
        ("polarity", "yes"),
        ("snr_db", (30, 10)),
        ("snr_db", 20),
        ("semitones", (-2,)),
        ("semitones", (-2, 0, 2)),
        ("semitones", (-40, 2)),
        ("stretch_rate", (0, 1)),
        ("stretch_rate", (-1, 1)),
        ("gain", (np.nan, 3)),
        ("gain", ("-3", "3")),
    ],
)
def test_bad_parameter_is_refused(table, parameter, value):
    augmenter = AudioAugmenter(**{parameter: value})
    with pytest.raises(
        ValueError, match=rf"'{parameter}' parameter of AudioAugmenter must be .*{re.escape(repr(value))}"
    ):
        augmenter.augment(table(2))


@pytest.mark.parametrize("n_copies", [-1, 1.0, "2"])
def test_bad_number_of_copies_is_refused(table, n_copies):
    with pytest.raises(ValueError, match="n_copies must be a whole number"):
        AudioAugmenter().augment(table(2), n_copies=n_copies)


def test_clone_pickle_and_repr(table):
    augmenter = AudioAugmenter(n_copies=2, gain=None, random_state=4)
    for copy in (clone(augmenter), pickle.loads(pickle.dumps(augmenter)), AudioAugmenter(**augmenter.get_params())):
        pd.testing.assert_frame_equal(copy.augment(table(5)), augmenter.augment(table(5)))
    assert repr(augmenter) == "AudioAugmenter(gain=None, n_copies=2, random_state=4)"
    assert not hasattr(augmenter, "transform")
    before = augmenter.get_params()
    augmenter.augment(table(5))
    assert augmenter.get_params() == before
