"""Print the oldest versions that pyproject.toml allows, as requirements for pip: ``python floors.py [EXTRA ...]``."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
requirements = project["dependencies"] + [r for extra in sys.argv[1:] for r in project["optional-dependencies"][extra]]
for requirement in requirements:
    name, floor = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement).groups()
    print(f"{name}=={floor}")
