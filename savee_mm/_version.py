"""The version, in one place: the packaging reads it here without importing the library."""

__version__ = "0.1.0"
