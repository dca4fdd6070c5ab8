"""Write the figures of a run into a page, between two comments, so that the prose around them stays.

``python -m benchmarks.write_table PAGE.md BENCH.json WORKERS.json``: BENCH is pytest-benchmark's report, WORKERS that
of ``benchmarks.workers``.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
LEFT, RIGHT = "---", "---:"


class Comparison(NamedTuple):
    """Times of savee_mm and of a peer (s), and their ratio: of the medians, and the extremes over the rounds."""

    ours: float
    peer: float
    ratio: float
    lowest: float
    highest: float


def compare(ours, peer):
    """Compare two lists of times (s) that were taken in the same rounds."""
    by_round = [a / b for a, b in zip(ours, peer, strict=True)]
    ours, peer = median(ours), median(peer)
    return Comparison(ours, peer, ours / peer, min(by_round), max(by_round))


def verdict(ratio, goal):
    """Say whether a ratio reaches its goal, empty without one."""
    if goal is None:
        return ""
    return f"≤ {goal:.2g}, {'reached' if ratio <= goal else '**missed**'}"


def time_rows(benchmarks):
    """Return a row for every peer of every benchmark that has any."""
    rows = []
    for benchmark in benchmarks:
        info = benchmark["extra_info"]
        # In ms per second of sound.
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
    """Return the table of what a call allocates beyond its result, an empty text where it was not measured."""
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
    """Return the table of processes, an empty text where there were no recordings to run over."""
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
            ", ".join(f"{mib:.0f}" for mib in run["peak_mib"]) if run["n_jobs"] > 1 else "works itself",
            f"{run['parent_peak_mib']:.0f}",
        )
        for run in runs
    ]
    return table(header, rows)


def origin(report):
    """Return when, where, on what and with what the figures were made."""
    machine, commit = report["machine_info"], report["commit_info"]
    races = [benchmark for benchmark in report["benchmarks"] if "peers" in benchmark["extra_info"]]
    info = races[0]["extra_info"]
    code = commit["id"][:7] + (" with changes" if commit["dirty"] else "")
    return [
        f"- Date: {report['datetime'][:10]}; commit {code}.",
        f"- Machine: {machine['cpu']['brand_raw']}, {machine['n_cores']} cores, {machine['system']}; "
        f"load {machine['load']:.1f} at the start.",
        f"- Input: {info['input']}, {info['seconds_of_sound']:.0f} s of sound; {races[0]['stats']['rounds']} rounds.",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in machine['versions'].items())}.",
    ]


def table(header, rows):
    """Return a Markdown table, numbers to the right."""
    numbers = [all(row[i][:1].isdigit() for row in rows) for i in range(len(header))]
    lines = [header, [RIGHT if is_number else LEFT for is_number in numbers], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures(report, runs):
    """Return the whole of what stands between the comments."""
    header = ["what", "savee_mm (ms/s)", "peer", "peer (ms/s)", "ratio (over the rounds)", "goal"]
    benchmarks = report["benchmarks"]
    times = table(header, time_rows(benchmarks))
    parts = [times, memory_table(benchmarks), workers_table(runs), "\n".join(origin(report))]
    return "\n\n".join(part for part in parts if part)


def put_between(page, text):
    """Return the page with the text between its two comments.

    Raises
    ------
    ValueError
        If the page has not both comments, once and in order.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"expected the lines {BEGIN!r} and then {END!r} in the page, once each")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}"


def main(page, report, runs):
    """Rewrite the page from the two reports and show what was written."""
    page = Path(page)
    text = figures(json.loads(Path(report).read_text()), json.loads(Path(runs).read_text()))
    page.write_text(put_between(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
