"""``python -m savee_mm`` is the command ``savee-mm``."""

from savee_mm.cli import main

if __name__ == "__main__":
    main()
