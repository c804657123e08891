"""How far a confidence can be trusted: calibration, and risk against coverage over pictures of the world and all others.

    python -m photographs.trust --work DIR --checkpoint DIR/language.pt --domain DIR/domain.json --out DIR/trust.json

A temperature for each question family is fitted on one half of new held-out-style scenes and measured on the other half. In the
risk an answer about a picture that shows nothing known is an error unless it is declined, in words or by the score of the world.
"""

import argparse
import json
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
TEMPERATURES = np.geomspace(0.3, 6.0, 60)


def log_odds(confidence: np.ndarray) -> np.ndarray:
    c = np.clip(confidence, 1e-6, 1 - 1e-6)
    return np.log(c / (1 - c))


def heated(confidence: np.ndarray, temperature: float) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds(confidence) / temperature))


def fit_temperature(confidence: np.ndarray, right: np.ndarray) -> float:
    """The one under which what happened was likeliest."""

    def loss(t: float) -> float:
        p = np.clip(heated(confidence, t), 1e-6, 1 - 1e-6)
        return float(-np.mean(np.where(right, np.log(p), np.log(1 - p))))

    return float(min(TEMPERATURES, key=loss))


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


def calibrate(halves: list[dict[str, list]]) -> tuple[dict[str, float], dict]:
    """Temperatures by row from the first half, and the errors of the second before and after."""
    temperatures, before, after, rights = {}, [], [], []
    for row in ROWS:
        fitted, measured = (np.array([(s[1], s[0]) for s in half[row]]) for half in halves)
        temperatures[row] = fit_temperature(fitted[:, 0], fitted[:, 1] > 0)
        before.append(measured[:, 0])
        after.append(heated(measured[:, 0], temperatures[row]))
        rights.append(measured[:, 1] > 0)
    right = np.concatenate(rights)
    return temperatures, {
        "before": expected_error(np.concatenate(before), right),
        "after": expected_error(np.concatenate(after), right),
        "right": float(right.mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--domain", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40, help="questions in each row and half")
    parser.add_argument("--half", default=None, help="choose or measure: of the packaged pictures")
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
    temperatures, errors = calibrate(halves)
    wrong, confidence = [], []
    for row in ROWS:
        for talk, (right, sure, text, _) in zip(talks[1][row], halves[1][row]):
            declined = text == UNSURE or not inside[talk.pictures[0]]
            wrong.append(not right)
            confidence.append(0.0 if declined else float(heated(np.array(sure), temperatures[row])))
    in_world = risk_coverage(np.array(wrong), np.array(confidence))
    if (args.work / "pictures.npz").exists():
        pictures = Photographs(args.work)
        known = domain.inside(pictures.tokens)
        heat = temperatures["what, 1 object"]
        for reply, meta, ok in zip(pictures.ask(model, codec), pictures.meta, known):
            if args.half not in (None, meta["half"]):
                continue
            named = None if meta["label"] is None else f"{PHRASES[NAMES.index(meta['label'])]}."
            wrong.append(reply.text.lower() != named)
            confidence.append(0.0 if reply.text == UNSURE or not ok else float(heated(np.array(reply.confidence), heat)))
    result = {
        "temperatures": temperatures, "expected_calibration_error": errors, "held_out_style": in_world,
        "all_pictures": risk_coverage(np.array(wrong), np.array(confidence)),
    }  # fmt: skip
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "temperatures"}))


if __name__ == "__main__":
    main()
