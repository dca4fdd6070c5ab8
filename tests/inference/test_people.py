"""People in scenes of synthetic faces with known truth: identities over cuts and absences, and who speaks."""

from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import pytest

from savee_mm import ClipError, EmotionTimeline, Segment, predict_file
from savee_mm.datasets.synthetic.acting import act_face, act_voice, cast_speaker
from savee_mm.datasets.synthetic.face import draw_face
from savee_mm.datasets.synthetic.voice import synthesize_voice
from savee_mm.inference.people import _UNKNOWN, _Track, appearance, find_people
from savee_mm.inference.utterances import Utterance, _runs, find_utterances

FPS, SR = 12.5, 16000
HEIGHT, WIDTH = 128, 160
EMPTY = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)


class Shot(NamedTuple):
    """A part of a scene: its length (s), who is at the left and the right (None: no one), and who speaks when."""

    seconds: float
    places: tuple
    speech: dict  # person -> (start, end) in the shot (s)


DIALOGUE = [
    Shot(4.8, (0, 1), {0: (0.4, 2.0), 1: (2.8, 4.4)}),
    Shot(2.4, (1, None), {1: (0.4, 2.0)}),
    Shot(2.4, (2, None), {2: (0.4, 2.0)}),
    Shot(2.4, (1, None), {}),
    Shot(2.4, (1, 0), {0: (0.4, 2.0)}),
]
"""Cuts, another person in the same place, a person who leaves and returns, and swapped places."""

OVERLAP = [Shot(4.8, (0, 2), {0: (0.4, 2.8), 2: (1.6, 4.2)})]
"""Two people who talk over each other."""


def write_scene(path, shots):
    """Write shots as a video; return (person, start, end) of all speech, and (person, time, x) of all faces."""
    people = [cast_speaker(i, np.random.default_rng([7, i])) for i in range(3)]
    images, sound, speech, faces = [], [], [], []
    for number, shot in enumerate(shots):
        n, begin = round(shot.seconds * FPS), len(images) / FPS
        samples = np.zeros(round(shot.seconds * SR))
        columns = []
        for place, person in enumerate(shot.places):
            if person is None:
                columns.append([EMPTY] * n)
                continue
            rng = np.random.default_rng([number, person])
            own = np.zeros(len(samples))
            if person in shot.speech:
                start, end = shot.speech[person]
                own[round(start * SR) :][: round((end - start) * SR)] = say(people[person], end - start, rng)
                speech.append((person, begin + start, begin + end))
            columns.append(act(people[person], own, n, rng))
            samples += own
            faces += [(person, begin + i / FPS, (place + 0.5) / len(shot.places)) for i in range(n)]
        images += [np.concatenate(parts, axis=1) for parts in zip(*columns, strict=True)]
        sound.append(samples)
    write(path, images, np.concatenate(sound))
    return speech, faces


def say(speaker, seconds, rng):
    manner = act_voice(speaker, "neutral", rng)
    n_syllables = round(manner.pop("rate") * seconds)
    syllables = [rng.choice(list("blms")) + rng.choice(list("aeiou")) for _ in range(n_syllables)]
    y, _ = synthesize_voice(syllables, duration=seconds, edge=0.02, sr=SR, random_state=rng, **manner)
    return y[: round(seconds * SR)]


def act(speaker, y, n, rng):
    hop = round(SR / FPS)
    envelope = np.sqrt(np.mean(np.square(y[: n * hop].reshape(n, hop)), axis=1))
    loudness = np.clip(envelope / max(np.quantile(envelope, 0.9), 1e-3), 0, 1)
    poses = act_face(speaker, "neutral", loudness, rng, rate=FPS)
    return [draw_face(speaker.identity, *pose, height=HEIGHT, width=WIDTH) for pose in poses]


def write(path, images, samples):
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=Fraction(FPS), options={"qscale": "2"})
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=SR, layout="mono")
        hop = round(SR / FPS)
        for i, image in enumerate(images):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            block = np.int16(32767 * samples[i * hop : (i + 1) * hop])[np.newaxis]
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SR, i * hop
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


@pytest.fixture(scope="module", params=["dialogue", "overlap"])
def scene(request, tmp_path_factory):
    """Return the path, the truth about speech and faces, and the people that are found."""
    path = tmp_path_factory.mktemp("scene") / "scene.avi"
    speech, faces = write_scene(path, {"dialogue": DIALOGUE, "overlap": OVERLAP}[request.param])
    return path, speech, faces, find_people(path, fps=FPS, detector="lbp")


def appearances(people, faces):
    """Return (index of the person found, true person) of every detection, and the number of detections."""
    found = [
        (i, time, x)
        for i, person in enumerate(people)
        for time, x in zip(person.times, person.boxes[:, 0] + person.boxes[:, 2] / 2, strict=True)
    ]
    pairs = [
        (i, who) for i, t, x in found for who, time, place in faces if abs(t - time) < 0.04 and abs(x - place) < 0.1
    ]
    return pairs, len(found)


@pytest.mark.slow
def test_identities_are_kept_over_cuts_and_absences(scene):
    _, _, faces, people = scene
    pairs, n_found = appearances(people, faces)
    assert [person.name for person in people] == [f"person {i + 1}" for i in range(len({who for who, _, _ in faces}))]
    # Each person has one identity, and each identity is one person: no switch.
    assert len(set(pairs)) == len({who for _, who in pairs}) == len(people)
    assert len(pairs) == n_found
    assert n_found > 0.95 * len(faces)


@pytest.mark.slow
def test_speaking_time_is_given_to_the_right_person(scene):
    path, speech, faces, people = scene
    names = {who: people[i].name for i, who in appearances(people, faces)[0]}
    moments = np.arange(0, 20, 0.01)
    truth = {(names[who], t) for who, start, end in speech for t in moments[(moments >= start) & (moments < end)]}
    given = {
        (each.person, t)
        for each in find_utterances(path, people)
        for t in moments[(moments >= each.start) & (moments < each.end)]
    }
    assert len(truth & given) >= 0.95 * len(truth)
    # Mostly the 0.2 s around speech in which voicing is counted.
    assert len(given - truth) < 0.2 * len(given)


@pytest.mark.slow
def test_each_utterance_has_a_row_with_its_speaker(scene, voice, face):
    path, speech, _, people = scene
    for model in (voice, face):
        table = EmotionTimeline(model).predict_people(path, people)
        assert table.columns[:3].tolist() == ["person", "start", "end"]
        assert len(table) == len(speech)
        np.testing.assert_allclose(table["start"], [start for _, start, _ in speech], atol=0.5)
        assert table["emotion"].notna().all()


def test_people_and_utterances_have_the_clock_of_segments_where_a_modality_starts_later(voice, late):
    modality, path = late
    (person,) = find_people(path, detector="lbp")
    assert person.times[0] == pytest.approx(1.5 if modality == "video" else 0, abs=0.01)
    assert person.times[-1] == pytest.approx(person.times[0] + 7.9, abs=0.01)
    utterances = find_utterances(path, [])
    assert utterances[0].start == pytest.approx(1.5 if modality == "audio" else 0, abs=0.3)
    table = EmotionTimeline(voice).predict_people(path, [person])
    assert table["emotion"].notna().all()
    # The face is not visible before the first frame.
    assert table["person"].iloc[0] == ("off screen" if modality == "video" else "person 1")
    row = table[table["person"] == "person 1"].iloc[0]
    assert row["end"] == pytest.approx(5 if modality == "audio" else 3.5, abs=0.3)
    expected = predict_file(voice, Segment(str(path), row["start"], row["end"]))
    np.testing.assert_allclose(row[expected.index].astype(float), expected, atol=1e-5)


def test_files_that_cannot_be_read_are_errors(tmp_path):
    with pytest.raises(ClipError, match=r"gone\.mp4.*no such file"):
        find_people(tmp_path / "gone.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ClipError, match=r"text\.mp4.*not an audio or video file"):
        find_people(tmp_path / "text.mp4")


def test_signature_is_the_mean_of_all_appearances():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 64, 64, 3), np.uint8)
    box = np.array([16.0, 16, 24, 24])
    tracks = _Track(), _Track()
    for i, image in enumerate(images):
        tracks[i // 4].add(i / 10, image, box, appearance(image, box), _UNKNOWN, 0)
    tracks[0].extend(tracks[1])
    expected = np.mean([appearance(image, box) for image in images], axis=0)
    np.testing.assert_allclose(tracks[0].signature, expected, rtol=1e-6)
    assert tracks[0].times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_sound_alone_has_a_speaker_off_screen(voice, corpus):
    clip = corpus.data["audio"].iloc[0]
    assert find_people(clip) == []
    table = EmotionTimeline(voice).predict_people(clip)
    assert set(table["person"]) == {"off screen"}
    assert table["emotion"].notna().all()


def test_pauses_part_utterances():
    assert _runs("a", np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1], bool).repeat(4)) == [
        Utterance("a", 0.0, pytest.approx(0.6)),
        Utterance("a", pytest.approx(1.8), pytest.approx(2.2)),
    ]
    # Over a gap of 0.2 s they are joined; long ones are split.
    assert _runs("a", np.array([1, 1, 0, 1, 1], bool).repeat(4)) == [Utterance("a", 0.0, pytest.approx(1.0))]
    assert [each.end - each.start for each in _runs("a", np.ones(400, bool))] == pytest.approx([10, 10])
