"""The recommended fusion combines the recommended systems of voice and face."""

import numpy as np
import pytest

from savee_mm import ClipWarning, SpeakerNormalizer, systems


@pytest.mark.parametrize("normalized", [False, True])
def test_branches_are_the_recommended_systems(normalized):
    fusion = systems.make("best_fusion", speaker_normalized=normalized, random_state=3, cache=None)
    for name, branch in zip(("best_audio", "best_face"), dict(fusion.estimators).values(), strict=True):
        alone = systems.make(name, speaker_normalized=normalized, random_state=3, cache=None)
        assert repr(branch) == repr(alone)
        assert isinstance(branch.estimator[0], SpeakerNormalizer) is normalized
    assert fusion.inner_groups == "speaker"
    assert fusion.adapt_speakers is normalized


@pytest.mark.slow
def test_clips_without_face_or_sound_are_predicted_by_the_other_branch(corpus):
    fusion = systems.make("best_fusion").set_params(audio__param_grid={}, face__param_grid={})
    fusion.fit(corpus.data, corpus.target)
    assert fusion.columns_ == {"audio": ["audio"], "face": ["video"]}
    for column, missing, other in (("audio", "audio", "face"), ("video", "face", "audio")):
        with pytest.warns(ClipWarning, match=f"missing for branch '{missing}'"):
            table = fusion.branch_proba(corpus.data.drop(columns=column))
        np.testing.assert_allclose(table["combined"], table[other])
