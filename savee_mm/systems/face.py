"""The systems that read the face: those of the reference, stand-ins for its weights, and the recommended one."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import KernelPCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm.classifiers import ConvLSTMClassifier, TransferClassifier
from savee_mm.features import FaceDescriptor, FaceFrameSampler, SpeakerNormalizer
from savee_mm.model_selection import ClipGridSearchCV
from savee_mm.vision import WITH_LANDMARKS, resolve_detector

# A third and a tenth of one over the 648 columns of the descriptor: kernels so wide are nearly linear.
_GAMMA, _SMALLER_GAMMA = 5e-4, 1.5e-4
_STATISTICS = [("apex", "direction", "std"), ("mean", "direction", "std"), ("apex", "apex-onset", "std")]


def vgg16(*, speaker_normalized):
    """Return VGG16 with its ImageNet weights on six frames."""
    return _on_frames("vgg16", TransferClassifier(backbone="vgg16", weights="imagenet"), speaker_normalized)


def vgg16_random(*, speaker_normalized):
    """Return VGG16 with random weights on six frames."""
    return _on_frames("vgg16_random", TransferClassifier(backbone="vgg16", weights=None), speaker_normalized)


def mobilenet_face(*, speaker_normalized):
    """Return the MobileNet stand-in on six frames."""
    return _on_frames("mobilenet_face", TransferClassifier(backbone="mobilenet"), speaker_normalized)


def convlstm(*, speaker_normalized):
    """Return the reference's ConvLSTM on six frames."""
    return _on_frames("convlstm", ConvLSTMClassifier(), speaker_normalized)


def face_svm(*, speaker_normalized):
    """Return descriptors of the face under a support vector machine."""
    features = FaceDescriptor()
    svm = SVC(C=3, gamma=_GAMMA, class_weight="balanced")
    return make_pipeline(
        SpeakerNormalizer(features) if speaker_normalized else features,
        StandardScaler(),
        # Three folds find one clip each of a class that has few.
        CalibratedClassifierCV(svm, cv=3, ensemble=False),
    )


def best_face(*, speaker_normalized):
    """Return the recommended system: the statistics over time and the classifier behind them are chosen in training."""
    features, path = FaceDescriptor(), "features__statistics"
    if speaker_normalized:
        features, path = SpeakerNormalizer(features), "features__extractor__statistics"
    heads = [_kernel_logistic(_GAMMA, 10), _kernel_logistic(_SMALLER_GAMMA, 30), _logistic(0.01)]
    pipeline = Pipeline([("features", features), ("scaler", StandardScaler()), ("classifier", heads[0])])
    return ClipGridSearchCV(pipeline, {path: _STATISTICS, "classifier": heads})


def _kernel_logistic(gamma, C):
    """Return logistic regression in the space of an RBF kernel: its probabilities need no clips for calibration."""
    return make_pipeline(KernelPCA(kernel="rbf", gamma=gamma), _logistic(C))


def _logistic(C):
    return LogisticRegression(C=C, class_weight="balanced", max_iter=1000)


def _on_frames(name, network, speaker_normalized):
    if speaker_normalized:
        raise ValueError(f"The system {name!r} has no speaker-normalised form; leave speaker_normalized out.")
    return make_pipeline(face_frames(), network)


def face_frames():
    """Return the sampler: aligned by the eyes where landmarks are at hand, without which there is only the box."""
    return FaceFrameSampler(align="eyes" if resolve_detector("auto") in WITH_LANDMARKS else "center")
