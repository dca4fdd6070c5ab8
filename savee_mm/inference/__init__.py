"""Files, long recordings and streams -> predictions."""

from savee_mm.inference.explain import Explanation, explain
from savee_mm.inference.files import predict_file
from savee_mm.inference.importance import group_importance
from savee_mm.inference.people import Person, find_people
from savee_mm.inference.stream import predict_stream
from savee_mm.inference.timeline import EmotionTimeline
from savee_mm.inference.timeline_page import write_timeline_page
from savee_mm.inference.timeline_plot import plot_timeline
from savee_mm.inference.windows import WindowPrediction

__all__ = [
    "EmotionTimeline",
    "Explanation",
    "Person",
    "WindowPrediction",
    "explain",
    "find_people",
    "group_importance",
    "plot_timeline",
    "predict_file",
    "predict_stream",
    "write_timeline_page",
]
