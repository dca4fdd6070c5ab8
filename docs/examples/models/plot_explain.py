"""
What a prediction rests on
==========================

:func:`~savee_mm.explain` hides one part of a clip's pictures after the other and notes by how much the probability
falls.
"""

# %%
# A small network over three frames of the face, trained on two speakers:

from sklearn.pipeline import make_pipeline

from savee_mm import ConvLSTMClassifier, FaceFrameSampler, explain, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
known = corpus.groups != "S3"
model = make_pipeline(
    FaceFrameSampler(n_frames=3, detector="lbp"),
    ConvLSTMClassifier(filters=8, epochs=25, augment=False, random_state=0),
)
model.fit(corpus.data[known], corpus.target[known])
print(f"accuracy on the third speaker: {model.score(corpus.data[~known], corpus.target[~known]):.2f}")

# %%
# Of the third speaker's clips that it gets right, the one it is surest of. Red: hiding this part makes the emotion less
# likely. Blue: more.

new, target = corpus.data[~known], corpus.target[~known]
sure = model.predict_proba(new).max(axis=1) * (model.predict(new) == target)
explanation = explain(model, new.iloc[[sure.argmax()]])
figure = explanation.plot()

# %%
# It shows what the model looks at, which is not what anybody feels. A network that looks at the background or at the
# hair has learnt the studio or the speaker. Of a :class:`~savee_mm.FusionClassifier` the picture of the voice is shown
# as well, of a :class:`~savee_mm.LateFusionClassifier` every branch that reads pictures.
