"""How far a confidence can be trusted: calibration, and risk against coverage over pictures of the world and all others.

    python -m photographs.trust --work DIR --checkpoint DIR/language.pt --domain DIR/domain.json --out DIR/trust.json

Calibration takes what the model says and how far inside of its world the picture lies. It is fitted on one half of new held-out-style
questions and of the packaged pictures (`choose`), and measured on the other halves. What is declined in words has no confidence and no part in it. In the
risk an answer about a picture that shows nothing known is an error unless it is declined, in words or by the score of the world.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from questions import UNSURE

from .concepts import NAMES, PHRASES
from .domain import Domain
from .evaluate import ROWS, Photographs, Questions, load, score
from .tokens import Scenes
from .words import Codec

COVERAGES = [k / 20 for k in range(1, 21)]
LIMIT = 8.0  # a score of the world above this one counts as this one
TEMPERATURES, SHIFTS = np.geomspace(0.3, 6.0, 60), np.linspace(-3, 2, 51)
FLOORS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95)  # confidences under which answers might be declined
BELOW = 0.85  # the one that ships
NAMED_OTHERS = 0.07  # of photographs of other things; the floor that names no more of the `choose` half is measured too


def log_odds(confidence: np.ndarray) -> np.ndarray:
    c = np.clip(confidence, 1e-6, 1 - 1e-6)
    return np.log(c / (1 - c))


def fit_both(confidence: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """The temperature and the shift of the log odds under which what happened was likeliest."""
    odds = log_odds(confidence)
    found = min((surprise(1 / (1 + np.exp(-(odds / t + b))), right), float(t), float(b)) for t in TEMPERATURES for b in SHIFTS)
    return found[1], found[2]


@dataclass
class Calibration:
    temperature: float
    shift: float
    weight: float = 0.0  # log odds for each unit of the score above its border

    def __call__(self, confidence, scores) -> np.ndarray:
        odds = log_odds(np.asarray(confidence)) / self.temperature + self.shift
        return 1 / (1 + np.exp(-(odds + self.weight * np.minimum(scores, LIMIT))))

    def to_json(self) -> dict:
        return {"temperature": self.temperature, "shift": self.shift, "domain": {"weight": self.weight, "limit": LIMIT}}


def fit_all(answers: list["Answer"]) -> Calibration:
    """Under which what happened was likeliest: logistic regression on the log odds and the score."""
    x = torch.tensor([[float(log_odds(np.array(a.confidence))), min(a.score, LIMIT)] for a in answers])
    y = torch.tensor([float(a.right) for a in answers])
    line = torch.nn.Linear(2, 1)
    torch.nn.init.zeros_(line.weight)
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(line(x)[:, 0], y) + 1e-4 * line.weight.pow(2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    slope, weight = line.weight[0].tolist()
    return Calibration(1 / max(slope, 0.05), line.bias.item(), max(weight, 0.0))


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


@dataclass
class Answer:
    """A reply to a question about a scene, or to "What is this?" about a packaged picture."""

    row: str  # the question's, or the picture's group
    half: str  # "choose" is fitted on, "measure" is not
    right: bool  # it says what is right, or names what is there
    confidence: float  # as decoded
    score: float  # of the picture's world, 0 is the border
    declined: bool  # in words or by the score
    sure: float = 0.0  # calibrated; 0 where it is declined


def calibrate(answers: list[Answer]) -> tuple[Calibration, dict, dict]:
    """What is fitted on the first half of scenes and pictures; by question type without the score; and the errors on the second half."""
    given = [a for a in answers if not a.declined]
    fitted, measured = ([a for a in given if a.half == half] for half in ("choose", "measure"))
    one = fit_all(fitted)
    by_type = {}
    for row in ROWS:
        mine = [a for a in fitted if a.row == row]
        if mine:
            by_type[row] = fit_both(np.array([a.confidence for a in mine]), np.array([a.right for a in mine]))
    errors = {}
    for name, chosen in (("scenes", [a for a in measured if a.row in by_type]), ("pictures", [a for a in measured if a.row not in ROWS])):
        if not chosen:
            continue
        right, confidence, score = (np.array([getattr(a, k) for a in chosen]) for k in ("right", "confidence", "score"))
        errors[name] = {
            "answers": len(chosen),
            "right": float(right.mean()),
            "before": expected_error(confidence, right),
            "one_for_all": expected_error(one(confidence, score), right),
        }
        if name == "scenes":
            after = np.array([float(shifted(a.confidence, *by_type[a.row])) for a in chosen])
            errors[name]["by_question_type"] = expected_error(after, right)
    return one, by_type, errors


def of_scenes(model, codec, scenes: Scenes, domain: Domain, count: int) -> list[Answer]:
    scores = domain.score(scenes.tokens) - domain.saved["threshold"]
    found = []
    for half, seed in (("choose", 11), ("measure", 12)):
        drawn = {row: Questions(scenes, seed).row(row, count) for row in ROWS}
        for row, talks in drawn.items():
            for talk, (right, sure, text, _) in zip(talks, score(model, codec, scenes, talks, 32, 8)):
                at = float(scores[talk.pictures[0]])
                found.append(Answer(row, half, right, sure, at, text == UNSURE or at < 0))
    return found


def of_pictures(model, codec, work: Path, domain: Domain) -> list[Answer]:
    pictures = Photographs(work)
    found = []
    scores = domain.score(pictures.tokens) - domain.saved["threshold"]
    for reply, meta, at in zip(pictures.ask(model, codec), pictures.meta, scores):
        named = None if meta["label"] is None else f"{PHRASES[NAMES.index(meta['label'])]}."
        right = reply.text.lower() == named
        found.append(Answer(meta["group"], meta["half"], right, reply.confidence, float(at), reply.text == UNSURE or at < 0))
    return found


def border(judged: list[Answer]) -> float:
    """The confidence under which answers are declined: of the `choose` half's photographs of other things so few are named."""
    others = sorted((j.sure for j in judged if j.row == "other" and j.half == "choose"), reverse=True)
    allowed = int(NAMED_OTHERS * len(others))
    return float(np.ceil(others[allowed] * 1000 + 1) / 1000) if others else 0.5


def declined(judged: list[Answer], floor: float) -> dict:
    """By group and half, above a floor: how many pictures, how many are answered, and how many of the answers are right."""
    table: dict = {}
    for group in dict.fromkeys(j.row for j in judged):
        for half in ("choose", "measure"):
            mine = [j for j in judged if (j.row, j.half) == (group, half)]
            answered = [j for j in mine if j.sure >= floor and j.sure > 0]
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
    asked = of_scenes(model, codec, Scenes(args.work, "noto"), domain, args.count)
    judged = of_pictures(model, codec, args.work, domain) if (args.work / "pictures.npz").exists() else []
    one, by_type, errors = calibrate(asked + judged)
    for a in asked + judged:
        a.sure = 0.0 if a.declined else float(one(a.confidence, a.score))
    asked = [a for a in asked if a.half == "measure"]
    result: dict = {"by_question_type": by_type, "calibration": one.to_json(), "expected_calibration_error": errors}
    floors = list(FLOORS)
    risks = {"held_out_style": asked}
    if judged:
        floors.append(border(judged))
        result["pictures"] = {f"{floor:.3f}": declined(judged, floor) for floor in floors}
        risks["all_pictures"] = asked + judged
    for name, answers in risks.items():
        result[name] = risk_coverage(np.array([not a.right for a in answers]), np.array([a.sure for a in answers]))
    result["questions"] = {
        f"{floor:.3f}": {
            "answered": sum(a.sure > 0 and a.sure >= floor for a in asked),
            "right": sum(a.sure > 0 and a.sure >= floor and a.right for a in asked),
        }
        for floor in floors
    }
    result["below"] = BELOW
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "by_question_type"}))


if __name__ == "__main__":
    main()
