#!/bin/sh
# datasets 5.2.0 without torchcodec: Audio(decode=False) keeps paths and decodes nothing, but building a dataset with this
# feature fails, while casting the same column to it works. Seen: Dataset.from_dict(..., features=...) raises
# "ImportError: To support encoding audio data, please install 'torchcodec'."; from_dict and cast_column return the path.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet datasets==5.2.0
env/bin/python - <<'PY'
import datasets
from datasets import Audio, Dataset, Features

paths = {"audio": ["a.wav"]}
try:
    Dataset.from_dict(paths, features=Features({"audio": Audio(decode=False)}))
    raise AssertionError("the behaviour has changed")
except ImportError as error:
    print("datasets", datasets.__version__, "from_dict:", error)
row = Dataset.from_dict(paths).cast_column("audio", Audio(decode=False))[0]
print("cast_column:", row)
assert row == {"audio": {"bytes": None, "path": "a.wav"}}
PY
