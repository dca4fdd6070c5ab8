"""load_crema_d: fields of file names, and warnings about incomplete folders."""

import warnings
from pathlib import Path

import pytest

from savee_mm.datasets.crema_d import load_crema_d


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def load_part(root, **options):
    """Load an incomplete corpus; return it and all warnings, of which the first is about that."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bunch = load_crema_d(root, **options)
    messages = [str(w.message) for w in caught]
    assert messages[0].startswith("CREMA-D has 7442 clips by 91 speakers")
    return bunch, messages


def test_fields(tmp_path):
    touch(tmp_path, "AudioWAV/1001_IEO_ANG_HI.wav", "VideoFlash/1001_IEO_ANG_HI.flv")
    corpus, messages = load_part(tmp_path)
    assert len(messages) == 1
    assert corpus.data.loc[0].to_dict() == {
        "audio": f"{tmp_path}/AudioWAV/1001_IEO_ANG_HI.wav",
        "video": f"{tmp_path}/VideoFlash/1001_IEO_ANG_HI.flv",
        "speaker": "1001",
        "sentence": "IEO",
        "clip_id": "1001_IEO_ANG_HI",
        "actor": 1001,
        "level": "high",
    }
    assert list(corpus.data.columns[:5]) == ["audio", "video", "speaker", "sentence", "clip_id"]
    assert corpus.target.tolist() == ["anger"]
    assert corpus.groups.tolist() == ["1001"]
    assert "github.com/CheyneyComputerScience/CREMA-D" in corpus.DESCR


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ANG", "anger"), ("DIS", "disgust"), ("FEA", "fear"),
        ("HAP", "happiness"), ("NEU", "neutral"), ("SAD", "sadness"),
    ],
)  # fmt: skip
def test_emotions(tmp_path, code, name):
    touch(tmp_path, f"1091_WSI_{code}_XX.mp4")
    corpus, _ = load_part(tmp_path)
    assert corpus.target_names == [name]
    assert corpus.data["audio"].tolist() == [None]


@pytest.mark.parametrize(
    ("code", "name"),
    [("LO", "low"), ("MD", "medium"), ("HI", "high"), ("XX", "unspecified"), ("X", "unspecified")],
)
def test_levels(tmp_path, code, name):
    touch(tmp_path, f"1040_ITH_SAD_{code}.wav")
    assert load_part(tmp_path)[0].data["level"].tolist() == [name]


def test_all_7442_clips_need_no_warning(tmp_path):
    sentences = ("DFA", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
    emotions = ("ANG", "DIS", "FEA", "HAP", "SAD")
    names = [f"{s}_{e}_XX" for s in sentences for e in (*emotions, "NEU")] + ["IEO_NEU_XX"]
    names += [f"IEO_{e}_{level}" for e in emotions for level in ("LO", "MD", "HI")]
    assert len(names) == 82
    folder = tmp_path / "AudioWAV"
    folder.mkdir()
    # Twenty of 91 * 82 recordings were not published; here the last ones of actor 1091 are missing.
    for name in [f"{actor}_{name}.wav" for actor in range(1001, 1092) for name in names][:7442]:
        (folder / name).touch()
    corpus = load_crema_d(tmp_path)
    assert len(corpus.data) == 7442
    assert corpus.data["speaker"].nunique() == 91
    assert corpus.data["sentence"].nunique() == 12
    assert corpus.data["clip_id"].is_unique
    (folder / "1001_IEO_NEU_XX.wav").unlink()
    with pytest.warns(UserWarning, match=r"found 7441 by 91 speakers .*fewest first: 1091 62, 1001 81"):
        load_crema_d(tmp_path)


def test_mp3_copies_are_not_reported(tmp_path):
    touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioMP3/1001_DFA_ANG_XX.mp3")
    touch(tmp_path, "AudioMP3/1002_DFA_ANG_XX.mp3")
    corpus, messages = load_part(tmp_path)
    assert len(messages) == 1
    assert [Path(path).name for path in corpus.data["audio"]] == [
        "1001_DFA_ANG_XX.wav",
        "1002_DFA_ANG_XX.mp3",
    ]


def test_clone_of_the_repository_has_other_files(tmp_path):
    touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "readTabulatedVotes.R", "processedResults/summaryTable.csv")
    touch(tmp_path, ".git/config", "LICENSE.txt")
    assert len(load_part(tmp_path)[1]) == 1


def test_missing_modalities_and_foreign_files(tmp_path):
    touch(
        tmp_path,
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1001_DFA_NEU_XX.wav",
        "AudioWAV/1001_DFA_JOY_XX.wav",
    )
    touch(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv")
    corpus, messages = load_part(tmp_path)
    assert len(corpus.data) == 2
    assert len(messages) == 3
    assert "1 clip without video (1001_DFA_NEU_XX)" in messages[1]
    assert "AudioWAV/1001_DFA_JOY_XX.wav" in messages[2]


def test_missing_empty_and_foreign_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*1001_DFA_ANG_XX\.wav"):
        load_crema_d(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"No clip of CREMA-D .* the folder is empty"):
        load_crema_d(tmp_path)
    touch(tmp_path, "1000_DFA_ANG_XX.wav", "1092_DFA_ANG_XX.wav")
    with pytest.raises(ValueError, match=r"Found 2 files \(1000_DFA_ANG_XX\.wav, 1092_DFA_ANG_XX\.wav\)"):
        load_crema_d(tmp_path)


# ---- votes and actors

RESPONSES = ("", "clipName", "queryType", "respEmo")


def write_votes(root, votes):
    """Write clips and finishedResponses.csv: {clip: {query type: letters}}."""
    lines = [",".join(RESPONSES)]
    for clip, by_type in votes.items():
        touch(root, f"AudioWAV/{clip}.wav")
        lines += [f"{len(lines)},{clip},{kind},{letter}" for kind, letters in by_type.items() for letter in letters]
    Path(root, "finishedResponses.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def voted(tmp_path):
    votes = {
        "1001_DFA_ANG_XX": {1: "AANA", 3: "AAAA"},
        "1001_DFA_SAD_XX": {1: "NNNS", 3: "NNSS"},
        "1002_DFA_HAP_XX": {1: "HHHNN", 3: "FN"},
    }
    write_votes(tmp_path, votes)
    return tmp_path


def test_acted_labels_need_no_votes(tmp_path):
    touch(tmp_path, "1001_DFA_ANG_XX.wav")
    corpus, _ = load_part(tmp_path)
    assert "votes" not in corpus
    assert "rater_agreement" not in corpus.data


def test_votes_of_voice_raters(voted):
    corpus, _ = load_part(voted, label="perceived", raters="voice")
    assert corpus.target.tolist() == ["anger", "neutral", "happiness"]
    assert corpus.data["rater_agreement"].tolist() == [0.75, 0.75, 0.6]
    assert corpus.votes.columns.tolist() == ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]
    assert corpus.votes["neutral"].tolist() == [1, 3, 2]


def test_agreement_with_the_acted_label(voted):
    corpus, _ = load_part(voted, raters="voice")
    assert corpus.target.tolist() == ["anger", "sadness", "happiness"]
    assert corpus.data["rater_agreement"].tolist() == [0.75, 0.25, 0.6]


def test_ties_are_left_out_of_perceived_labels(voted):
    corpus, messages = load_part(voted, label="perceived")
    assert corpus.target.tolist() == ["anger"]
    assert len(corpus.votes) == len(corpus.data) == 1
    assert "2 clips left out: 0 without votes, 2 with a tie" in messages[1]


def test_votes_keep_ties(voted):
    """The acted class decides a tie that it is part of, else the alphabet."""
    corpus, _ = load_part(voted, label="votes")
    assert corpus.target.tolist() == ["anger", "sadness", "fear"]
    assert corpus.votes.sum(axis=1).tolist() == [4, 4, 2]


def test_clips_without_votes_are_left_out(voted):
    touch(voted, "AudioWAV/1003_DFA_ANG_XX.wav")
    corpus, messages = load_part(voted, label="votes")
    assert len(corpus.data) == 3
    assert "1 clip left out: 1 without votes, 0 with a tie (1003_DFA_ANG_XX)" in messages[1]


def test_responses_that_are_no_emotion_do_not_count(voted):
    with open(voted / "finishedResponses.csv", "a") as file:
        file.write("99,1001_DFA_ANG_XX,3,\n100,1001_DFA_ANG_XX,3,X\n")
    assert load_part(voted, label="votes")[0].votes.sum(axis=1)[0] == 4


def test_actors(tmp_path):
    touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav")
    table = "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,Caucasian,Not Hispanic\n"
    (tmp_path / "VideoDemographics.csv").write_text(table)
    row = load_part(tmp_path)[0].data.loc[0]
    assert row[["age", "sex", "race", "ethnicity"]].tolist() == [51, "male", "Caucasian", "Not Hispanic"]


def test_bad_options(tmp_path):
    touch(tmp_path, "1001_DFA_ANG_XX.wav")
    with pytest.raises(ValueError, match=r'label must be "acted", "perceived" or "votes", got \'voted\''):
        load_crema_d(tmp_path, label="voted")
    with pytest.raises(ValueError, match=r"raters must be .* got \'ear\'"):
        load_crema_d(tmp_path, raters="ear")
    with (
        pytest.warns(UserWarning, match="CREMA-D has 7442 clips"),
        pytest.raises(ValueError, match=r"There is no finishedResponses\.csv in .*Download it with the corpus"),
    ):
        load_crema_d(tmp_path, label="votes")
