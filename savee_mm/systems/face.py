"""Systems that read the face: those of the reference, substitutes for its weights, and the recommended one."""

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

# 1/3 and 1/10 of 1 / 648, for the 648 columns of the descriptor: such wide kernels are nearly linear.
_GAMMA, _SMALLER_GAMMA = 5e-4, 1.5e-4
_STATISTICS = [("apex", "direction", "std"), ("mean", "direction", "std"), ("apex", "apex-onset", "std")]


def vgg16():
    """Return VGG16 with ImageNet weights on six frames."""
    return make_pipeline(face_frames(), TransferClassifier(backbone="vgg16", weights="imagenet"))


def vgg16_tuned():
    """Return VGG16 as in ``vgg16``, with its last block trained."""
    return make_pipeline(face_frames(), TransferClassifier(backbone="vgg16", weights="imagenet", trainable_layers=1))


def vgg16_random():
    """Return VGG16 with random weights on six frames."""
    return make_pipeline(face_frames(), TransferClassifier(backbone="vgg16", weights=None))


def mobilenet_face():
    """Return MobileNet in place of VGG16 on six frames."""
    return make_pipeline(face_frames(), TransferClassifier(backbone="mobilenet"))


def convlstm():
    """Return the reference's ConvLSTM on six frames."""
    return make_pipeline(face_frames(), ConvLSTMClassifier())


def face_svm(*, speaker_normalized):
    """Return a support vector machine on descriptors of the face."""
    features = FaceDescriptor()
    svm = SVC(C=3, gamma=_GAMMA, class_weight="balanced")
    return make_pipeline(
        SpeakerNormalizer(features) if speaker_normalized else features,
        StandardScaler(),
        # Each of the folds needs a clip of every class: three folds also suit rare classes.
        CalibratedClassifierCV(svm, cv=3, ensemble=False),
    )


def best_face(*, speaker_normalized):
    """Return the recommended system: inner folds choose the statistics over time and the classifier."""
    features, path = FaceDescriptor(), "features__statistics"
    if speaker_normalized:
        features, path = SpeakerNormalizer(features), "features__extractor__statistics"
    heads = [_kernel_logistic(_GAMMA, 10), _kernel_logistic(_SMALLER_GAMMA, 30), _logistic(0.01)]
    pipeline = Pipeline([("features", features), ("scaler", StandardScaler()), ("classifier", heads[0])])
    return ClipGridSearchCV(pipeline, {path: _STATISTICS, "classifier": heads})


def _kernel_logistic(gamma, C):
    """Return logistic regression in the space of an RBF kernel; its probabilities need no calibration clips."""
    return make_pipeline(KernelPCA(kernel="rbf", gamma=gamma), _logistic(C))


def _logistic(C):
    return LogisticRegression(C=C, class_weight="balanced", max_iter=1000)


def face_frames():
    """Return the sampler of frames: aligned by the eyes where the detector finds landmarks, else by the box."""
    return FaceFrameSampler(align="eyes" if resolve_detector("auto") in WITH_LANDMARKS else "center")
