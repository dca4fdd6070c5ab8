"""The public names, loaded on first use."""

from .explanation import Explanation, explain
from .files import predict_file
from .importance import group_importance
from .people import Person, find_people
from .stream import predict_stream
from .timeline import EmotionTimeline
from .timeline_page import write_timeline_page
from .timeline_plot import plot_timeline
from .windows import WindowPrediction

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
