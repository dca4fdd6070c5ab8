"""Write the results of a run into a page, between comments.

``python -m benchmarks.write_table PAGE.md BENCH.json [WORKERS.json]``: BENCH is pytest-benchmark's report, WORKERS that
of ``benchmarks.workers``. The page has one place for results per second of sound and another for times of whole calls.
A place without new results is not changed.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

# Places for results per second of sound, and for all others.
SOUND = ("<!-- results: written by make bench -->", "<!-- end of results -->")
CALLS = ("<!-- results of whole calls: written by make bench -->", "<!-- end of results of whole calls -->")
LEFT, RIGHT = "---", "---:"


class Comparison(NamedTuple):
    """Times of savee_mm and of a peer (s), ratio of the medians, and extremes of the ratio over the rounds."""

    ours: float
    peer: float
    ratio: float
    lowest: float
    highest: float


def compare(ours, peer):
    """Compare two lists of times (s) of the same rounds."""
    by_round = [a / b for a, b in zip(ours, peer, strict=True)]
    ours, peer = median(ours), median(peer)
    return Comparison(ours, peer, ours / peer, min(by_round), max(by_round))


def verdict(ratio, goal):
    """Return whether a ratio reaches its goal, as text; empty without a goal."""
    if goal is None:
        return ""
    return f"≤ {goal:.2g}, {'reached' if ratio <= goal else '**missed**'}"


def time_rows(benchmarks):
    """Return a row for each peer of each benchmark."""
    rows = []
    for benchmark in benchmarks:
        info = benchmark["extra_info"]
        # Milliseconds per second of sound, or per call.
        scale = 1000 / info.get("seconds_of_sound", 1)
        for peer in info.get("peers", ()):
            result = compare(benchmark["stats"]["data"], peer["seconds"])
            rows.append(
                (
                    benchmark["group"],
                    f"{result.ours * scale:.3g}",
                    peer["name"],
                    f"{result.peer * scale:.3g}",
                    f"{result.ratio:.3f} ({result.lowest:.3f}–{result.highest:.3f})",
                    verdict(result.ratio, peer["goal"]),
                )
            )
    return rows


def memory_table(benchmarks):
    """Return the table of the memory of a call beyond its result; empty if it was not measured."""
    for info in (benchmark["extra_info"] for benchmark in benchmarks):
        if "peak_mib" in info:
            header = ["memory beyond the result (MiB)", *(f"{seconds} s of sound" for seconds in info["lengths"])]
            rows = [
                (name, *(f"{mib:.2g}" if mib < 10 else f"{mib:.0f}" for mib in peaks))
                for name, peaks in info["peak_mib"].items()
            ]
            return table(header, rows)
    return ""


def workers_table(runs):
    """Return the table of processes; empty without recordings."""
    if not runs:
        return ""
    header = [
        f"`n_jobs` over {runs[0]['n_clips']} files",
        "first call (s)",
        "second call (s)",
        "processor time of both (s)",
        "peak of each worker (MiB)",
        "peak of the parent (MiB)",
    ]
    rows = [
        (
            str(run["n_jobs"]),
            f"{run['first_call']:.1f}",
            f"{run['second_call']:.1f}",
            f"{run['cpu']:.1f}",
            ", ".join(f"{mib:.0f}" for mib in run["peak_mib"]) if run["n_jobs"] > 1 else "parent",
            f"{run['parent_peak_mib']:.0f}",
        )
        for run in runs
    ]
    return table(header, rows)


def origin(report, races):
    """Return date, machine, input and versions of the results."""
    machine, commit, info = report["machine_info"], report["commit_info"], races[0]["extra_info"]
    code = commit["id"][:7] + (" with changes" if commit["dirty"] else "")
    rounds = f"{races[0]['stats']['rounds']} rounds"
    if _is_over_sounds(races[0]):
        rounds = f"Input: {info['input']}, {info['seconds_of_sound']:.0f} s of sound; {rounds}"
    return [
        f"- Date: {report['datetime'][:10]}; commit {code}.",
        f"- Machine: {machine['cpu']['brand_raw']}, {machine['n_cores']} cores, {machine['system']}; "
        f"load {machine['load']:.1f} at the start.",
        f"- {rounds}.",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in machine['versions'].items())}.",
    ]


def table(header, rows):
    """Return a Markdown table, with numbers right-aligned."""
    numbers = [all(row[i][:1].isdigit() for row in rows) for i in range(len(header))]
    lines = [header, [RIGHT if is_number else LEFT for is_number in numbers], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def results(report, runs, *, over_sounds):
    """Return the text for one of the two places; empty if none of its benchmarks was run."""
    benchmarks = [benchmark for benchmark in report["benchmarks"] if _is_over_sounds(benchmark) == over_sounds]
    races = [benchmark for benchmark in benchmarks if "peers" in benchmark["extra_info"]]
    if not races:
        return ""
    unit = "ms/s" if over_sounds else "ms"
    header = ["what", f"savee_mm ({unit})", "peer", f"peer ({unit})", "ratio (over the rounds)", "goal"]
    parts = [table(header, time_rows(races))]
    if over_sounds:
        parts += [memory_table(benchmarks), workers_table(runs)]
    return "\n\n".join(part for part in [*parts, "\n".join(origin(report, races))] if part)


def _is_over_sounds(benchmark):
    """Return whether a result is per second of sound, or of memory."""
    return not {"seconds_of_sound", "peak_mib"}.isdisjoint(benchmark["extra_info"])


def put_between(page, text, place):
    """Return the page with the text between the two comments of a place.

    Raises
    ------
    ValueError
        If the page does not have both comments once and in order.
    """
    begin, end = place
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"expected the lines {begin!r} and then {end!r} in the page, once each")
    before, rest = page.split(begin)
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}"


def main(page, report, runs=None):
    """Update the page from the reports and print the new text."""
    page, report = Path(page), json.loads(Path(report).read_text())
    runs = [] if runs is None else json.loads(Path(runs).read_text())
    for place in (SOUND, CALLS):
        text = results(report, runs, over_sounds=place is SOUND)
        if text:
            page.write_text(put_between(page.read_text(encoding="utf-8"), text, place), encoding="utf-8")
            print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
