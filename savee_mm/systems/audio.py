"""Systems that read the voice: the nine of the reference, two with other weights, and the recommended one."""

from importlib.util import find_spec

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm.classifiers import (
    AudioCNNClassifier,
    DenseClassifier,
    KernelRidgeClassifier,
    LateFusionClassifier,
    TransferClassifier,
    UnseenCorpusClassifier,
)
from savee_mm.features import (
    CORAL,
    AudioFeatures,
    MelImage,
    MFCCImage,
    SpeakerNormalizer,
    SpectralFeatures,
    SpeechEmbedding,
    VoiceFunctionals,
    YAMNetEmbedding,
)
from savee_mm.features.encoders import ENCODERS
from savee_mm.model_selection import ClipGridSearchCV, SpeakerOrClipKFold
from savee_mm.selection import PCACorrSelector

_N_SELECTED = 16
# In order of preference, and the blocks among which the training clips choose.
_ENCODERS = ("wavlm", "hubert", "wav2vec2", "emotion2vec", "whisper-base")
# All blocks first: few clips do not show which block is best.
_BLOCKS = {
    "whisper-base": [("hidden_2", "hidden_3"), ("hidden_2",), ("hidden_3",)],
    **{name: [("hidden_4", "hidden_6", "hidden_8"), ("hidden_6",), ("hidden_9",)] for name in _ENCODERS[:4]},
}
# Contours of the reference, each summarised by a PCA.
_CONTOURS = (
    "amplitude_envelope",
    "rms",
    "zcr",
    "ber",
    "spec_centroid",
    "spec_bandwidth",
    "spec_flatness",
    "spec_flux",
    "teo",
)
# The recommended system has bounded kernels only: clips unlike all training clips get nearly equal probabilities.
_KERNEL_GRID = {
    "kernelridgeclassifier__kernels": [("rbf", "laplacian"), ("laplacian",), ("rbf",)],
    "kernelridgeclassifier__gamma": [0.5, 0.25, 1.0],
    "kernelridgeclassifier__alpha": [0.03, 0.1],
}


def logreg(*, speaker_normalized):
    """Return logistic regression on the selected features."""
    return _on_selected(LogisticRegression(max_iter=1000, class_weight="balanced"), speaker_normalized)


def svm(*, speaker_normalized):
    """Return a support vector machine on the selected features."""
    return _on_selected(CalibratedClassifierCV(SVC(class_weight="balanced"), ensemble=False), speaker_normalized)


def rf(*, speaker_normalized):
    """Return a random forest on the selected features."""
    return _on_selected(RandomForestClassifier(500, class_weight="balanced"), speaker_normalized)


def knn(*, speaker_normalized):
    """Return nearest neighbours on MFCC."""
    mfcc = SpectralFeatures(features=("mfcc",), statistics=("mean", "std"), n_mfcc=40)
    neighbours = KNeighborsClassifier(weights="distance")
    return make_pipeline(_by_speaker(mfcc, speaker_normalized), StandardScaler(), neighbours)


def cnn(*, speaker_normalized):
    """Return the CNN on MFCC."""
    return AudioCNNClassifier(image=_mfcc_image(speaker_normalized))


def dual_cnn(*, speaker_normalized):
    """Return the CNN on MFCC and log-mels."""
    mel = SpeakerNormalizer(MelImage(normalize=None)) if speaker_normalized else MelImage(normalize="training")
    return AudioCNNClassifier(image=_mfcc_image(speaker_normalized), second_image=mel)


def cnn_plus(*, speaker_normalized):
    """Return the CNN on MFCC with hand-made features."""
    features = _by_speaker(AudioFeatures(), speaker_normalized)
    return AudioCNNClassifier(image=_mfcc_image(speaker_normalized), features=features)


def vgg19(*, speaker_normalized):
    """Return VGG19 with ImageNet weights on MFCC images."""
    return make_pipeline(_mfcc_image(speaker_normalized), TransferClassifier(backbone="vgg19", weights="imagenet"))


def vgg19_random(*, speaker_normalized):
    """Return VGG19 with random weights on MFCC images."""
    return make_pipeline(_mfcc_image(speaker_normalized), TransferClassifier(backbone="vgg19", weights=None))


def vgg16_mfcc(*, speaker_normalized):
    """Return VGG16 with ImageNet weights on MFCC images."""
    return make_pipeline(_mfcc_image(speaker_normalized), TransferClassifier(backbone="vgg16", weights="imagenet"))


def vgg16_mfcc_tuned(*, speaker_normalized):
    """Return VGG16 as in ``vgg16_mfcc``, with its last block trained."""
    classifier = TransferClassifier(backbone="vgg16", weights="imagenet", trainable_layers=1)
    return make_pipeline(_mfcc_image(speaker_normalized), classifier)


def mobilenet(*, speaker_normalized):
    """Return MobileNet in place of VGG19 on MFCC images."""
    return make_pipeline(_mfcc_image(speaker_normalized), TransferClassifier(backbone="mobilenet"))


def yamnet(*, speaker_normalized):
    """Return a dense head on YAMNet embeddings."""
    return make_pipeline(_by_speaker(YAMNetEmbedding(), speaker_normalized), StandardScaler(), DenseClassifier())


def encoder_audio(*, speaker_normalized):
    """Return statistics of a speech encoder with a kernel ridge classifier; its blocks are chosen in training."""
    name = find_audio_encoder()
    if name is None:
        files = ", ".join(ENCODERS[name].filenames[0] for name in _ENCODERS)
        raise FileNotFoundError(
            f"The system 'encoder_audio' needs the packages onnxruntime and onnx (`pip install 'savee-mm[encoders]'`) "
            f"and one of the files {files} in the folder of the environment variable SAVEE_MM_WEIGHTS."
        )
    features, path = SpeechEmbedding(name), "speechembedding__outputs"
    if speaker_normalized:
        features, path = SpeakerNormalizer(features), "speakernormalizer__extractor__outputs"
    pipeline = make_pipeline(features, StandardScaler(), KernelRidgeClassifier())
    # A late block of a speech recogniser knows the text, so that blocks are chosen on unseen texts.
    cv = SpeakerOrClipKFold(unseen_texts=True)
    candidates = {path: _BLOCKS[name], "kernelridgeclassifier__alpha": [0.03, 0.1]}
    return ClipGridSearchCV(pipeline, candidates, cv=cv, prefer_first=True)


def find_audio_encoder():
    """Return the name of the encoder that ``encoder_audio`` uses: the first that can be run here, or None."""
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        return None
    return next((name for name in _ENCODERS if ENCODERS[name].find() is not None), None)


def best_audio(*, speaker_normalized):
    """Return the recommended system: functionals of the voice, and a speech encoder if one can be run here."""
    branches = audio_branches(speaker_normalized)
    if len(branches) == 1:
        return branches[0][1]
    # As the search of a single branch, it needs no speakers.
    return LateFusionClassifier(branches, inner_groups=None, adapt_speakers=speaker_normalized, unseen_texts=True)


def audio_branches(speaker_normalized):
    """Return the branches of ``best_audio``, (name, estimator) each."""
    branches = [("audio", functionals(speaker_normalized=speaker_normalized))]
    if find_audio_encoder() is not None:
        branches.append(("encoder", encoder_audio(speaker_normalized=speaker_normalized)))
    return branches


def corpus_audio():
    """Return the system for unseen corpora: training corpora choose speaker normalisation, alignment, or neither.

    The features are those of ``best_audio``, in one kernel ridge classifier with default parameters: choices and
    weights by unseen speakers of one corpus do not hold for other corpora.
    """
    ways = {"normalized": (True, False), "plain": (False, False), "aligned": (False, True)}
    return UnseenCorpusClassifier([(name, _corpus_pipeline(*way)) for name, way in ways.items()])


def _corpus_pipeline(speaker_normalized, aligned):
    extractors = [VoiceFunctionals(level="absolute" if speaker_normalized else "relative")]
    if (name := find_audio_encoder()) is not None:
        extractors.append(SpeechEmbedding(name))
    if speaker_normalized:
        extractors = [SpeakerNormalizer(extractor, class_balanced=True) for extractor in extractors]
    alignment = [CORAL()] if aligned else []
    return make_pipeline(make_union(*extractors), StandardScaler(), *alignment, KernelRidgeClassifier())


def functionals(*, speaker_normalized):
    """Return functionals of the voice: inner folds choose kernels, width, regularisation and level.

    Levels re full scale are informative relative to other clips of the same speaker. Those of an unseen speaker
    depend on the recording as well. Which of the two prevails depends on the corpus, so that inner folds decide; the
    second level must be clearly better.
    """
    features, levels = VoiceFunctionals(), ["relative", "absolute"]
    path = "voicefunctionals__level"
    if speaker_normalized:
        features, levels = SpeakerNormalizer(VoiceFunctionals(level="absolute")), levels[::-1]
        path = "speakernormalizer__extractor__level"
    pipeline = make_pipeline(features, StandardScaler(), KernelRidgeClassifier())
    cv = SpeakerOrClipKFold(unseen_texts=True)
    return ClipGridSearchCV(pipeline, {path: levels, **_KERNEL_GRID}, cv=cv, prefer_first=True)


def _on_selected(classifier, speaker_normalized):
    """Return a classifier on the selected features among prosody and PCA scores of contours."""
    features = AudioFeatures(features=_CONTOURS, statistics=(), n_frames=64)
    pipeline = make_pipeline(
        _by_speaker(features, speaker_normalized),
        # Remove correlated columns, then keep the most informative ones.
        PCACorrSelector(n_features=None),
        SelectKBest(k=_N_SELECTED),
        StandardScaler(),
        classifier,
    )
    # The selector finds contours by the names of their columns.
    pipeline[0].set_output(transform="pandas")
    return pipeline


def _mfcc_image(speaker_normalized):
    # Over all training clips: normalisation by clip removes how loud and bright a clip is.
    return SpeakerNormalizer(MFCCImage(normalize=None)) if speaker_normalized else MFCCImage(normalize="training")


def _by_speaker(extractor, speaker_normalized):
    return SpeakerNormalizer(extractor) if speaker_normalized else extractor
