"""The command line: every command is a few calls of the library."""

from savee_mm.cli.main import main

__all__ = ["main"]
