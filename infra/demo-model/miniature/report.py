"""Tables and curves out of what the runs wrote.

    python -m miniature.report --work DIR [--out FOLDER]     # reads the runs, writes results.json too
    python -m miniature.report --work DIR --add              # keeps what results.json has besides, of runs made elsewhere
    python -m miniature.report                               # from the results.json that is there

writes results.json, accuracy-by-data.svg, accuracy-by-passes.svg and the measured parts of REPORT.md, into this folder if no other is
named. It takes the runs that are finished, and says which are not. An interval is of 95 %, from resampling questions and seeds together.
"""

import argparse
import json
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

from card import fill_card, percent, table

from .examples import TEST_ROWS
from .kinds import KINDS
from .plot import Line, chart
from .run import EXAMPLES, HIDDEN, SECOND_HIDDEN, plans
from .train import BATCH, HERE, Plan, rate_for, reported

STYLES = ["seen", "held-out"]
SETS = [*STYLES, *(f"{style}, blind" for style in STYLES)]
DRAWS = 2000
NAMES = {"diffusion": "masked diffusion", "causal": "autoregressive", "blocks": "blocks of 4"}


def read(work: Path) -> list[dict]:
    """Finished runs, with what the report is made of: by set and number of passes, which questions were right, and the share of each row."""
    runs = [json.loads(path.read_text()) for path in sorted((work / "miniature" / "runs").glob("*.json"))]
    for run in runs:
        for name in SETS:
            run[name] = {
                dial: {
                    "passes": round(v["passes"], 4),
                    "right": packed(v["right"]),
                    "rows": [round(v["rows"][row], 4) for row in TEST_ROWS],
                }
                for dial, v in run[name].items()
            }
    return runs


def packed(right: str) -> str:
    """Zeros and ones as hexadecimal digits, behind a 1 that keeps the zeros before it."""
    return f"{int('1' + right, 2):x}"


def of(runs: list[dict], kind: str, examples: int, hidden: int) -> list[dict]:
    return [r for r in runs if (r["kind"], r["examples"], r["hidden"]) == (kind, examples, hidden)]


def outcomes(runs: list[dict], style: str, dial: str) -> np.ndarray:
    """[seeds, questions] 0 or 1."""
    return np.array([[int(c) for c in f"{int(r[style][dial]['right'], 16):b}"[1:]] for r in runs])


def interval(right: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval of [seeds, questions]: shares that are right, or differences between two models' over the same questions."""
    rng = np.random.default_rng(0)
    seeds, questions = right.shape
    means = np.empty(DRAWS)
    for k in range(DRAWS):
        rows = right[rng.integers(seeds, size=seeds)]
        means[k] = rows[:, rng.integers(questions, size=questions)].mean()
    return float(right.mean()), *(float(q) for q in np.quantile(means, [0.025, 0.975]))


def difference(mine: list[dict], others: list[dict], style: str) -> np.ndarray | None:
    """[seeds, questions] of the seeds that both have, each kind at its best number of passes; None where they share none."""
    seeds = {r["seed"] for r in mine} & {r["seed"] for r in others}
    if not seeds:
        return None
    pairs = [[r for r in sorted(runs, key=lambda r: r["seed"]) if r["seed"] in seeds] for runs in (mine, others)]
    first, second = (outcomes(runs, style, best_dial(all_)) for runs, all_ in zip(pairs, (mine, others)))
    return first - second


def told(value: tuple[float, float, float], sign: str = "") -> str:
    mean, low, high = (f"{100 * v:{sign}.1f}" for v in value)
    return f"{mean} ({low} … {high})"


def best_dial(runs: list[dict]) -> str:
    """The passes at which a kind is best on seen styles, over all its runs of a point."""
    return max(runs[0]["seen"], key=lambda dial: outcomes(runs, "seen", dial).mean())


def points(runs: list[dict]) -> list[tuple[str, int, int, list[dict]]]:
    sizes = [(count, HIDDEN) for count in EXAMPLES] + [(EXAMPLES[1], SECOND_HIDDEN)]
    all_ = [(kind, count, hidden, of(runs, kind, count, hidden)) for count, hidden in sizes for kind in KINDS]
    return [p for p in all_ if p[3]]


def largest(runs: list[dict]) -> int:
    """The most questions that any run of the first size was trained on."""
    return max(r["examples"] for r in runs if r["hidden"] == HIDDEN)


def state(runs: list[dict]) -> str:
    """Which runs there are, and which are missing: of a broken series nobody should take one seed for three."""
    there = {(r["kind"], r["hidden"], r["examples"], r["seed"]) for r in runs}
    missing: dict[str, list[int]] = {}
    for p in plans():
        if (p.kind, p.hidden, p.examples, p.seed) not in there:
            missing.setdefault(p.name.rpartition("-")[0], []).append(p.seed)
    count = len(plans()) - sum(map(len, missing.values()))
    steps = " and ".join(f"{s:,}" for s in sorted({r["steps"] for r in runs}))
    precisions = ", ".join(f"{n} in {p}" for p, n in sorted(Counter(r["precision"] for r in runs).items()))
    said = f"{count} of {len(plans())} runs ({precisions}), of {steps} steps with {BATCH} answers each."
    if not missing:
        return f"{said} None is missing."
    named = (f"`{point}-{{{','.join(map(str, seeds))}}}`" for point, seeds in missing.items())
    return f"{said} **Missing**: {', '.join(named)}. Where there is one seed, an interval says nothing about how another would have come out."


def by_data(runs: list[dict]) -> str:
    rows = []
    for kind, count, hidden, mine in points(runs):
        dial = best_dial(mine)
        blind = next(iter(mine[0]["held-out, blind"]))
        passes = np.mean([r["seen"][dial]["passes"] for r in mine])
        cells = [told(interval(outcomes(mine, style, dial))) for style in STYLES]
        cells.append(told(interval(outcomes(mine, "held-out, blind", blind))))
        times = f"{np.mean([r['steps'] for r in mine]) * BATCH / count:.1f}"
        parameters = f"{mine[0]['parameters'] / 1e6:.2f} M"
        rows.append([f"{count:,}", times, parameters, NAMES[kind], *cells, f"{passes:.1f}", str(len(mine))])
    head = [
        "questions",
        "each seen",
        "size",
        "kind",
        "seen styles, %",
        "held-out style, %",
        "blind, held-out, %",
        "passes",
        "seeds",
    ]
    return table(head, rows)


def differences(runs: list[dict]) -> str:
    rows = []
    for kind, count, hidden, mine in points(runs):
        found = [difference(mine, of(runs, "causal", count, hidden), style) for style in STYLES]
        if kind != "causal" and all(one is not None for one in found):
            rows.append(
                [f"{count:,}", str(hidden), NAMES[kind], *(told(interval(one), "+") for one in found), str(len(found[0]))]
            )
    head = ["questions", "width", "kind less autoregressive", "seen styles, points", "held-out style, points", "seeds"]
    return table(head, rows) if rows else "No seed has both yet."


def gains(runs: list[dict]) -> str:
    rows = []
    for kind in KINDS:
        for few, many in pairwise(EXAMPLES):
            found = [difference(of(runs, kind, many, HIDDEN), of(runs, kind, few, HIDDEN), style) for style in STYLES]
            if all(one is not None for one in found):
                rows.append(
                    [NAMES[kind], f"{few:,} → {many:,}", *(told(interval(one), "+") for one in found), str(len(found[0]))]
                )
    return (
        table(["kind", "questions", "seen styles, points", "held-out style, points", "seeds"], rows)
        if rows
        else "No seed has both yet."
    )


def by_row(runs: list[dict]) -> str:
    kinds = [(kind, mine) for kind in KINDS if (mine := of(runs, kind, largest(runs), HIDDEN))]
    columns = []
    for _, mine in kinds:
        columns.append(np.mean([r["seen"][best_dial(mine)]["rows"] for r in mine], 0))
    rows = [[row, *(percent(column[k]) for column in columns)] for k, row in enumerate(TEST_ROWS)]
    return f"Trained on {largest(runs):,} questions.\n\n{table(['question', *(NAMES[kind] for kind, _ in kinds)], rows)}"


def rates(runs: list[dict]) -> str:
    """What each kind comes to at each rate that was tried, by point: seen styles, held-out style in %, one seed."""
    first = [r for r in runs if r["seed"] == 1]
    rows = []
    for count, hidden in points_of_runs():
        asked = [r for r in first if (r["examples"], r["hidden"]) == (count, hidden)]
        if len({(r["kind"], r["rate"]) for r in asked}) <= len({r["kind"] for r in asked}):
            continue
        for rate in sorted({r["rate"] for r in asked}, reverse=True):
            found = {r["kind"]: scores(r) for r in asked if r["rate"] == rate}
            cells = [marked(found[kind], rate == rate_for(kind, hidden)) if kind in found else "–" for kind in KINDS]
            rows.append([f"{count:,}", str(hidden), f"{rate:g}", *cells])
    return table(["questions", "width", "rate", *(NAMES[kind] for kind in KINDS)], rows)


def points_of_runs() -> list[tuple[int, int]]:
    """The middle amount of data, at both sizes, first: there the rates were chosen."""
    return list(dict.fromkeys([(EXAMPLES[1], HIDDEN), (EXAMPLES[1], SECOND_HIDDEN), *((p.examples, p.hidden) for p in plans())]))


def marked(text: str, chosen: bool) -> str:
    return f"**{text}**" if chosen else text


def scores(run: dict) -> str:
    dial = best_dial([run])
    return " · ".join(f"{100 * outcomes([run], style, dial).mean():.1f}" for style in STYLES)


def curves(runs: list[dict]) -> dict[str, str]:
    data, passes = [], []
    for kind in KINDS:
        line = [
            (count, *interval(outcomes(mine, "seen", best_dial(mine))))
            for count in EXAMPLES
            if (mine := of(runs, kind, count, HIDDEN))
        ]
        if line:
            data.append(Line(NAMES[kind], kind, line))
        if mine := of(runs, kind, largest(runs), HIDDEN):
            dials = [
                (np.mean([r["seen"][d]["passes"] for r in mine]), *interval(outcomes(mine, "seen", d))) for d in mine[0]["seen"]
            ]
            passes.append(Line(NAMES[kind], kind, dials))
    most = f"trained on {largest(runs):,}"
    return {
        "accuracy-by-data.svg": chart("Answers right to the letter against questions trained on", "questions trained on", data),
        "accuracy-by-passes.svg": chart(f"Answers right to the letter against passes an answer, {most}", f"passes an answer, mean; {most}", passes),
    }  # fmt: skip


PARTS = {"runs": state, "by-data": by_data, "differences": differences, "gains": gains, "by-row": by_row}


def series(runs: list[dict]) -> list[dict]:
    """Those that are compared: runs with another rate than their kind's only say what the rate does."""
    return [r for r in runs if r["rate"] == rate_for(r["kind"], r["hidden"])]


def write(runs: list[dict], folder: Path) -> None:
    compared = series(runs)
    if not any(r["hidden"] == HIDDEN for r in compared):
        raise SystemExit(f"no run of width {HIDDEN} is finished yet")
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in runs)
    (folder / "results.json").write_text(f"[\n{lines}\n]\n")
    for name, text in curves(compared).items():
        (folder / name).write_text(text)
    if folder != HERE:
        shutil.copy(HERE / "REPORT.md", folder / "REPORT.md")
    fill_card(folder / "REPORT.md", PARTS, compared)
    fill_card(folder / "REPORT.md", {"rates": rates}, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--add", action="store_true", help="keep the runs of results.json that DIR has not")
    parser.add_argument("--out", type=Path, default=HERE)
    args = parser.parse_args()
    runs = read(args.work) if args.work else []
    if args.add or not args.work:
        there = {Plan.of(run).name for run in runs}
        runs += [run for run in reported() if Plan.of(run).name not in there]
    write(sorted(runs, key=lambda run: Plan.of(run).name), args.out)
    print(state(series(runs)))


if __name__ == "__main__":
    main()
