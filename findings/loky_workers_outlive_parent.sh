#!/bin/sh
# joblib 1.6.0 (loky), Linux: when the parent process is killed, for instance for its memory or by a time limit, busy
# workers do not end. Seen: 15 s after the end of a parent whose tasks take 60 s, both workers run with another parent,
# and they keep their memory.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet joblib==1.6.0
cat > parent.py <<'PY'
import os, time
from joblib import Parallel, delayed


def task(i):
    open(f"worker-{os.getpid()}", "w").close()
    time.sleep(60)


if __name__ == "__main__":
    Parallel(n_jobs=2)(delayed(task)(i) for i in range(2))
PY
env/bin/python - <<'PY'
import glob, os, signal, subprocess, sys, time

parent = subprocess.Popen([sys.executable, "parent.py"])
limit = time.monotonic() + 60
while len(glob.glob("worker-*")) < 2 and time.monotonic() < limit:
    time.sleep(0.2)
workers = [int(name.partition("-")[2]) for name in glob.glob("worker-*")]
parent.kill()
parent.wait()
time.sleep(15)
running = [pid for pid in workers if os.path.exists(f"/proc/{pid}")]
print("workers of a killed parent that still run:", len(running), "of", len(workers))
for pid in running:
    os.kill(pid, signal.SIGKILL)
assert len(workers) == len(running) == 2, "the behaviour has changed"
PY
