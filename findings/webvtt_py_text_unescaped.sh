#!/bin/sh
# webvtt-py 0.6.0: WebVTT writes & and < of cue text as &amp; and &lt; (W3C WebVTT, section 4.2.1). The package neither
# writes nor reads these escapes. Seen: a caption "a <b> & c" is written as it is;
# the text of a cue "a &lt;b&gt; &amp; c" is returned with the escapes.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet webvtt-py==0.6.0
env/bin/python - <<'PY'
from importlib.metadata import version
import webvtt

file = webvtt.WebVTT()
file.captions.append(webvtt.Caption("00:00:00.000", "00:00:01.000", "a <b> & c"))
file.save("plain.vtt")
written = open("plain.vtt").read().strip().splitlines()[-1]
open("escaped.vtt", "w").write("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &lt;b&gt; &amp; c\n")
read = webvtt.read("escaped.vtt").captions[0].text
print("webvtt-py", version("webvtt-py"), "writes", repr(written), "and reads", repr(read))
assert written == "a <b> & c", "the behaviour of writing has changed"
assert read == "a &lt;b&gt; &amp; c", "the behaviour of reading has changed"
PY
