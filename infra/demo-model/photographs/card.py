"""Write the measured parts of MODEL_CARD.md from what evaluate, trust and domain wrote; the text around them is written by hand.

python -m photographs.card --results results.json --trust trust.json --domain domain.json --agreement agreement.json --card photographs/MODEL_CARD.md
"""

import argparse
import json
from pathlib import Path

from card import fill_card, percent, table

from .concepts import PHRASES

STYLES = ("seen", "noto", "far")
CANVASES = ("16", "32", "64", "128")
WAYS = {
    "form": "template to fill in, 1-6 fields, the whole of it",
    "turns": "question after one to three others",
    "pictures": "about one of two or three pictures",
    "later": "a new picture in a later turn",
    "outside of the world": "a question that it cannot answer: declined",
}
GROUPS = {
    "whole": "photographs of a thing on the list",
    "cut-out": "photographic cut-outs of a thing on the list",
    "drawing": "drawings of a thing on the list",
    "other": "photographs of other things",
    "cut-out-other": "cut-outs of other things",
    "drawing-other": "drawings of other things",
    "text": "pages of text",
    "screenshot": "windows",
    "chart": "charts",
    "texture": "textures",
}
NOTHING_KNOWN = ("other", "cut-out-other", "drawing-other", "text", "screenshot", "chart", "texture")


def things(_: dict) -> str:
    return f"{', '.join(PHRASES)}."


def rows(r: dict) -> str:
    cells = []
    for name, by_style in r["results"]["rows"].items():
        cell = [name]
        for style in STYLES:
            at = r["results"]["canvases"]
            shares = [by_style[style] if c == "32" else at.get(c, {}).get(style, {}).get(name) for c in CANVASES]
            cell.append(" / ".join("-" if s is None else f"{100 * s:.0f}" for s in shares))
        cells.append(cell)
    return table(["question", "seen styles", "held-out style", "outlines (far)"], cells)


def ways(r: dict) -> str:
    result = r["results"]
    cells = [[text, *(percent(result["ways"][way][s]) for s in STYLES)] for way, text in WAYS.items()]
    for name in next(iter(result["system"].values())):
        cells.append([f"{name}, with a system message", *(percent(result["system"][s][name]) for s in STYLES)])
    for name in result["canvases"].get("8", {}).get("noto", {}):
        cells.append([f"{name}, canvas 8", *(percent(result["canvases"]["8"][s][name]) for s in STYLES)])
    return table(["asked", "seen styles", "held-out style", "outlines (far)"], cells)


def pictures(r: dict) -> str:
    at, cells = r["trust"]["pictures"][f"{r['trust']['below']:.3f}"], []
    for group, text in GROUPS.items():
        halves = at[group]
        cell = [text]
        for half in ("choose", "measure"):
            h = halves[half]
            cell.append(str(h["pictures"]))
            cell.append(percent(h["answered"] / max(1, h["pictures"])))
            if group in NOTHING_KNOWN:
                cell.append("")
            else:
                cell.append(f"{h['right']} of {h['answered']}, undeclined {h['right_of_all']} of {h['pictures']}")
        cells.append(cell)
    head = ["picture", "looked at", "answered", "right", "held back", "answered", "right"]
    return table(head, cells)


def floors(r: dict) -> str:
    cells, total = [], r["trust"]["held_out_style"]["questions"]
    for floor, at in r["trust"]["pictures"].items():
        asked = r["trust"]["questions"][floor]
        cell = [
            floor,
            f"{percent(asked['answered'] / total)}, {percent(asked['right'] / max(1, asked['answered']))} of them right",
        ]
        for group in ("whole", "cut-out"):
            h = at[group]["measure"]
            cell.append(f"{h['answered']} of {h['pictures']}, {h['right']} right")
        for group in ("other", "cut-out-other"):
            h = at[group]["measure"]
            cell.append(percent(h["answered"] / max(1, h["pictures"])))
        cells.append(cell)
    head = ["declined below", "held-out questions", "photographs", "cut-outs", "other photographs named", "other cut-outs named"]
    return table(head, cells)


def world(r: dict) -> str:
    accepted = r["domain"]["accepted"]
    cells = [[f"{style}: {name}", percent(1 - accepted[f"{style}: {name}"])] for style in STYLES for name in KINDS_OF_SCENES]
    for group, text in GROUPS.items():
        shares = [accepted.get(f"{group}, {half}") for half in ("choose", "measure")]
        cells.append([text, " / ".join("-" if s is None else percent(1 - s) for s in shares)])
    return table(["picture (two halves)", "refused by the score"], cells)


KINDS_OF_SCENES = ("things", "other icons and pages")


def risk(r: dict) -> str:
    shares = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    cells = []
    for name, text in (("held_out_style", "held-out style"), ("all_pictures", "with all packaged pictures")):
        curve = r["trust"][name]
        at = {round(x, 3): y for x, y in curve["points"]}
        cells.append([f"{text}, {curve['questions']} questions", *(percent(at[s]) if s in at else "-" for s in shares)])
    return table(["wrong among the surest", *(percent(s) for s in shares)], cells)


def calibration(r: dict) -> str:
    errors, one = r["trust"]["expected_calibration_error"], r["trust"]["calibration"]
    weight = one["domain"]["weight"]
    ships = f"one for all (temperature {one['temperature']:.2f}, shift {one['shift']:.2f}, {weight:.2f} a unit of the world's score; ships)"
    names = {"before": "as decoded", "by_question_type": "temperature and shift for each question type", "one_for_all": ships}
    cells = [[text, *(f"{e[name]:.3f}" if name in e else "-" for e in errors.values())] for name, text in names.items()]
    head = [f"{e['answers']} answers about {name}, {percent(e['right'])} right" for name, e in errors.items()]
    return table(["expected calibration error", *head], cells)


def agreement(r: dict) -> str:
    cells = [
        [a["format"], f"{a['megabytes']:.1f} MB", *(f"{a[k]} of {a['questions']}" for k in ("torch", "f32"))] for a in r["agreement"]
    ]
    return table(["format", "weights", "the ids of PyTorch", "the ids of f32"], cells)


def missed(r: dict) -> str:
    wrong = r["results"]["wrong"]["noto"]
    return table(
        ["question", "said / right"], [[name, "; ".join(w.replace(" | ", " / ") for w in ws)] for name, ws in wrong.items() if ws]
    )


PARTS = {f.__name__: f for f in (things, rows, ways, pictures, floors, world, risk, calibration, agreement, missed)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("results", "trust", "domain", "agreement", "card"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    read = {name: json.loads(getattr(args, name).read_text()) for name in ("results", "trust", "domain", "agreement")}
    fill_card(args.card, PARTS, read)


if __name__ == "__main__":
    main()
