"""Write the measured parts of MODEL_CARD.md from results.json; the text around them is written by hand.

    python card.py --results results.json --card MODEL_CARD.md

A measured part stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

import argparse
import json
import re
from pathlib import Path

from concepts import CONCEPTS
from scenes import TEST_STYLE


def percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def rows(r: dict) -> str:
    keys = ("seen", TEST_STYLE, "blind")
    cells = [[name, *(percent(cell[key]) if key in cell else "" for key in keys)] for name, cell in r["rows"].items()]
    for name, cell in r["rows"].items():
        if f"{TEST_STYLE}_words" in cell:
            cells.append([f"{name}: right words", percent(cell["seen_words"]), percent(cell[f"{TEST_STYLE}_words"]), ""])
    return table(["question", "seen styles", "held-out style", "blind"], cells)


def steps(r: dict) -> str:
    names = list(next(iter(r["steps_curve"].values())))
    return table(["steps", *names], [[n, *(percent(v) for v in cells.values())] for n, cells in r["steps_curve"].items()])


def risk(r: dict) -> str:
    curves = r["risk_coverage"]
    shares = (0.5, 0.7, 0.8, 0.9, 1.0)
    cells = [
        [style, f"{curve['aurc']:.3f}", *(percent(next(y for x, y in curve["points"] if abs(x - s) < 1e-6)) for s in shares)]
        for style, curve in curves.items()
    ]
    return table(["styles", "AURC", *(f"{percent(s)} answered" for s in shares)], cells)


def unsure(r: dict) -> str:
    forms = [[form, percent(share)] for form, share in r["abstain_by_form"].items()]
    outside, declined = r["abstain_outside"], r["false_abstention"]
    return (
        f'Questions outside of its world that got "I am not sure.": {percent(outside[TEST_STYLE])} (held-out scenes), '
        f"{percent(outside['seen'])} (seen styles).\nAnswerable questions that were declined: {100 * declined[TEST_STYLE]:.1f}% "
        f"(held-out), {100 * declined['seen']:.1f}% (seen).\n\n{table(['form', 'declined'], forms)}"
    )


def missed(r: dict) -> str:
    names = [f"{name} {wrong} of {tried}" for name, (wrong, tried) in list(r[f"missed_{TEST_STYLE}"].items())[:10]]
    return f"Missed most often in the held-out style, one object: {', '.join(names) or 'none'}."


def things(_: dict) -> str:
    return f"{', '.join(c['phrase'] for c in CONCEPTS)}."


PARTS = {"things": things, "rows": rows, "missed": missed, "steps": steps, "risk": risk, "unsure": unsure}


def fill_card(card: Path, parts: dict, results: dict) -> None:
    """Writes each part between its marks `<!-- name -->` and `<!-- /name -->`, the rest stays. Exits where a mark is missing."""
    text = card.read_text()
    for name, write in parts.items():
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{card} has no part <!-- {name} -->")
        part = write(results)
        text = pattern.sub(lambda m: f"{m[1]}{part}\n{m[2]}", text)
    card.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    args = parser.parse_args()
    fill_card(args.card, PARTS, json.loads(args.results.read_text()))


if __name__ == "__main__":
    main()
