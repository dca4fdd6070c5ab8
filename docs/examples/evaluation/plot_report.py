"""
The plots of a report
=====================

:func:`~savee_mm.evaluate` keeps every test prediction. All tables and plots of the report are computed from them.
"""

# %%
# Two systems on unseen speakers, one fold for each of the three speakers:

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import KernelRidgeClassifier, ProsodyFeatures, VoiceFunctionals, evaluate, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
systems = {
    "prosody": make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000)),
    "functionals": make_pipeline(VoiceFunctionals(), StandardScaler(), KernelRidgeClassifier()),
}
report = evaluate(systems, corpus, protocols=("speaker",))
report.summary()[["system", "protocol", "accuracy", "accuracy_sd", "uar", "f1", "train_accuracy"]].round(3)

# %%
# With 42 clips the confidence intervals are wide:

report.intervals().round(2)

# %%
# The confusion matrix:

confusion = report.plot_confusion("functionals", "speaker")

# %%
# The reliability diagram: with perfect calibration, a probability of .8 is correct in eight of ten cases:

calibration = report.plot_calibration("functionals", "speaker")

# %%
# Scores by speaker:

subgroups = report.plot_subgroups("speaker")

# %%
# ``report.to_html("report.html")`` writes all of them to one page, with explanations (:doc:`/reports`).
