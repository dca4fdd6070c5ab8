"""
Occlusion maps of a prediction
==============================

:func:`~savee_mm.explain` hides one part of a clip's images after the other and measures the decrease of the
probability.
"""

# %%
# A small network over three frames of the face, trained on two speakers:

from sklearn.pipeline import make_pipeline

from savee_mm import ConvLSTMClassifier, FaceFrameSampler, explain, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
known = corpus.groups != "S3"
model = make_pipeline(
    FaceFrameSampler(n_frames=3, detector="lbp"),
    ConvLSTMClassifier(n_filters=8, epochs=25, augment_frames=False, random_state=0),
)
model.fit(corpus.data[known], corpus.target[known])
print(f"accuracy on the third speaker: {model.score(corpus.data[~known], corpus.target[~known]):.2f}")

# %%
# The correctly classified clip of the third speaker with the highest probability. Red: hiding this part decreases the
# probability of the emotion. Blue: it increases it.

new, target = corpus.data[~known], corpus.target[~known]
sure = model.predict_proba(new).max(axis=1) * (model.predict(new) == target)
explanation = explain(model, new.iloc[[sure.argmax()]])
figure = explanation.plot()

# %%
# The map shows what the model uses, not what a person feels. A network that uses the background or the hair has
# learnt the studio or the speaker. For a :class:`~savee_mm.FusionClassifier` the map of the MFCC image is shown too,
# for a :class:`~savee_mm.LateFusionClassifier` every branch that reads images.
