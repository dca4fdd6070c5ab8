import sys; sys.path.insert(0,"/work/base")
from savee_mm import FusionClassifier, save_model, load_savee
from savee_mm.systems import *
import savee_mm; print(savee_mm.__file__)
c = load_savee("/work/env/light/corpus")
clf = FusionClassifier(epochs=1, random_state=0).fit(c.data, c.target)
save_model(clf, "/work/env/light/fusion_base.savee")
