#!/bin/sh
# audformat 1.4.3: a table saved with storage_format="csv" loses labels that are also words for missing values: NA, nan,
# null and N/A, although the scheme lists them as labels. storage_format="parquet" keeps them.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet audformat==1.4.3 'pandas<3'
env/bin/python - <<'PY'
import audformat

labels = ["NA", "nan", "null", "N/A", "anger"]
seen = {}
for form in ("csv", "parquet"):
    db = audformat.Database("corpus")
    db.schemes["emotion"] = audformat.Scheme("str", labels=labels)
    files = [f"{i}.wav" for i in range(len(labels))]
    db["files"] = audformat.Table(audformat.filewise_index(files))
    db["files"]["emotion"] = audformat.Column(scheme_id="emotion")
    db["files"]["emotion"].set(labels)
    db.save(form, storage_format=form)
    loaded = audformat.Database.load(form)["files"]["emotion"].get()
    seen[form] = [None if value != value else str(value) for value in loaded.astype(object)]
print("audformat", audformat.__version__, seen)
assert seen["csv"] == [None, None, None, None, "anger"], "the behaviour has changed"
assert seen["parquet"] == labels
PY
