"""How far a confidence can be trusted: calibration, and risk against coverage over pictures of the world and all others.

    python -m photographs.trust --work DIR --checkpoint DIR/language.pt --domain DIR/domain.json --out DIR/trust.json

Calibration is fitted on one half of new held-out-style questions and measured on the other half. In the
risk an answer about a picture that shows nothing known is an error unless it is declined, in words or by the score of the world.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from questions import UNSURE

from .concepts import NAMES, PHRASES
from .domain import Domain
from .evaluate import ROWS, Photographs, Questions, load, score
from .tokens import Scenes
from .words import Codec

COVERAGES = [k / 20 for k in range(1, 21)]
TEMPERATURES, SHIFTS = np.geomspace(0.3, 6.0, 60), np.linspace(-3, 2, 51)
FLOORS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)  # confidences under which answers might be declined
BELOW = 0.9  # the one that ships
NAMED_OTHERS = 0.07  # of photographs of other things; the floor that names no more of the `choose` half is measured too


def log_odds(confidence: np.ndarray) -> np.ndarray:
    c = np.clip(confidence, 1e-6, 1 - 1e-6)
    return np.log(c / (1 - c))


def fit_both(confidence: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """The temperature and the shift of the log odds under which what happened was likeliest."""
    odds = log_odds(confidence)
    found = min((surprise(1 / (1 + np.exp(-(odds / t + b))), right), float(t), float(b)) for t in TEMPERATURES for b in SHIFTS)
    return found[1], found[2]


def surprise(p: np.ndarray, right: np.ndarray) -> float:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.mean(np.where(right, np.log(p), np.log(1 - p))))


def shifted(confidence, temperature: float, shift: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(log_odds(np.asarray(confidence)) / temperature + shift)))


def expected_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    parts = [(which == b) for b in range(bins)]
    return float(sum(p.mean() * abs(right[p].mean() - confidence[p].mean()) for p in parts if p.any()))


def risk_coverage(wrong: np.ndarray, confidence: np.ndarray) -> dict:
    """`points` are [share answered, error rate among them]; what has no confidence is never answered."""
    ranked = wrong[np.argsort(-confidence, kind="stable")]
    risks = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    answered = int((confidence > 0).sum())
    points = [[s, float(risks[max(1, round(s * len(risks))) - 1])] for s in COVERAGES if round(s * len(risks)) <= answered]
    return {"questions": len(risks), "answered": answered / len(risks), "risk": float(risks[answered - 1]), "points": points}


def calibrate(halves: list[dict[str, list]]) -> tuple[dict, dict]:
    """What is fitted on the first half, and the errors of the second by it."""
    fitted, measured = ({row: np.array([(s[1], s[0]) for s in half[row]]) for row in ROWS} for half in halves)
    by_type = {row: fit_both(pairs[:, 0], pairs[:, 1] > 0) for row, pairs in fitted.items()}
    every = np.concatenate([*fitted.values()])
    one = fit_both(every[:, 0], every[:, 1] > 0)  # for all types together: the server does not know a question's type
    after = np.concatenate([shifted(measured[row][:, 0], *by_type[row]) for row in ROWS])
    pairs = np.concatenate([*measured.values()])
    right = pairs[:, 1] > 0
    return {"by_question_type": by_type, "calibration": {"temperature": one[0], "shift": one[1]}}, {
        "before": expected_error(pairs[:, 0], right),
        "by_question_type": expected_error(after, right),
        "one_for_all": expected_error(shifted(pairs[:, 0], *one), right),
        "right": float(right.mean()),
        "questions": len(right),
    }


@dataclass
class Judged:
    """A reply to "What is this?" about a packaged picture."""

    group: str
    half: str
    right: bool  # it names what is there
    confidence: float  # calibrated; 0 where it is declined in words or by the score of the world


def judge(model, codec, work: Path, domain: Domain, calibration: tuple[float, float]) -> list[Judged]:
    pictures = Photographs(work)
    found = []
    for reply, meta, inside in zip(pictures.ask(model, codec), pictures.meta, domain.inside(pictures.tokens)):
        named = None if meta["label"] is None else f"{PHRASES[NAMES.index(meta['label'])]}."
        declined = reply.text == UNSURE or not inside
        sure = 0.0 if declined else float(shifted(reply.confidence, *calibration))
        found.append(Judged(meta["group"], meta["half"], reply.text.lower() == named, sure))
    return found


def border(judged: list[Judged]) -> float:
    """The confidence under which answers are declined: of the `choose` half's photographs of other things so few are named."""
    others = sorted((j.confidence for j in judged if j.group == "other" and j.half == "choose"), reverse=True)
    allowed = int(NAMED_OTHERS * len(others))
    return float(np.ceil(others[allowed] * 1000 + 1) / 1000) if others else 0.5


def declined(judged: list[Judged], floor: float) -> dict:
    """By group and half, above a floor: how many pictures, how many are answered, and how many of the answers are right."""
    table: dict = {}
    for group in dict.fromkeys(j.group for j in judged):
        for half in ("choose", "measure"):
            mine = [j for j in judged if (j.group, j.half) == (group, half)]
            answered = [j for j in mine if j.confidence >= floor and j.confidence > 0]
            cell = {"pictures": len(mine), "answered": len(answered), "right": sum(j.right for j in answered)}
            table.setdefault(group, {})[half] = cell | {"right_of_all": sum(j.right for j in mine)}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--domain", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40, help="questions in each row and half")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, codec, domain = load(args.checkpoint), Codec(args.work / "tokenizer"), Domain(json.loads(args.domain.read_text()))
    scenes = Scenes(args.work, "noto")
    inside = domain.inside(scenes.tokens)
    halves, talks = [], []
    for seed in (11, 12):
        drawn = {row: Questions(scenes, seed).row(row, args.count) for row in ROWS}
        halves.append({row: score(model, codec, scenes, t, 32, 8) for row, t in drawn.items()})
        talks.append(drawn)
    fitted, errors = calibrate(halves)
    one = fitted["calibration"]["temperature"], fitted["calibration"]["shift"]
    wrong, confidence = [], []
    for row in ROWS:
        for talk, (right, sure, text, _) in zip(talks[1][row], halves[1][row]):
            wrong.append(not right)
            confidence.append(0.0 if text == UNSURE or not inside[talk.pictures[0]] else float(shifted(sure, *one)))
    result = {**fitted, "expected_calibration_error": errors}
    result["held_out_style"] = risk_coverage(np.array(wrong), np.array(confidence))
    floors = list(FLOORS)
    if (args.work / "pictures.npz").exists():
        judged = judge(model, codec, args.work, domain, one)
        floors.append(border(judged))
        result["pictures"] = {f"{floor:.3f}": declined(judged, floor) for floor in floors}
        wrong += [not j.right for j in judged]
        confidence += [j.confidence for j in judged]
        result["all_pictures"] = risk_coverage(np.array(wrong), np.array(confidence))
    answerable = len(ROWS) * args.count
    result["questions"] = {
        f"{floor:.3f}": {
            "answered": sum(c > 0 and c >= floor for c in confidence[:answerable]),
            "right": sum(c > 0 and c >= floor and not w for c, w in zip(confidence[:answerable], wrong)),
        }
        for floor in floors
    }
    result["below"] = BELOW
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "by_question_type"}))


if __name__ == "__main__":
    main()
