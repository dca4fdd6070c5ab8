"""Settings of the property tests: few examples, the same in every run; more with ``HYPOTHESIS_PROFILE=thorough``."""

import os

from hypothesis import settings

# Deadlines would be a test of time, and nothing is written outside of temporary folders.
settings.register_profile("ci", max_examples=20, derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", max_examples=500, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
