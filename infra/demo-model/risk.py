"""Risk against coverage: how often an answer is wrong when the least confident ones are declined.

    python risk.py --work DIR --checkpoint DIR/full.pt --results DIR/results.json --plot risk-coverage.svg

asks every row of evaluate.py in new scenes, ranks the answers by confidence and adds `risk_coverage` to the results:
for each style the error rate among the surest share of the answers, and the area under that curve (AURC).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from evaluate import ROWS, TestScenes, load
from sampler import generate_scored
from scenes import TEST_STYLE, TRAIN_STYLES
from tokenizer import Codec

COVERAGES = [k / 20 for k in range(1, 21)]
STYLES = {"seen": TRAIN_STYLES, TEST_STYLE: {TEST_STYLE: 1.0}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True, help="what evaluate.py wrote; is added to")
    parser.add_argument("--plot", type=Path, required=True, help="an SVG")
    parser.add_argument("--count", type=int, default=48, help="questions in each row and style")
    parser.add_argument("--canvas", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1, help="not evaluate.py's, so that the scenes are other ones")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, codec = load(args.checkpoint), Codec(args.work / "tokenizer")
    curves = {}
    for style, styles in STYLES.items():
        scenes = TestScenes(args.work, model.config, styles, args.seed)
        items = [item for row in ROWS for item in scenes.draw(row, args.count)]
        items += [(scene, scenes.asker.outside.ask(), "I am not sure.") for scene, _, _ in items[: args.count]]
        images, questions, answers = zip(*((scene.image, question, answer) for scene, question, answer in items))
        scored = generate_scored(model, codec, list(images), list(questions), args.canvas, args.steps)
        wrong = np.array([codec.decode(ids) != answer for (ids, _), answer in zip(scored, answers)])
        curves[style] = risk_coverage(wrong, np.array([confidence for _, confidence in scored]))
    results = json.loads(args.results.read_text())
    results["risk_coverage"] = curves
    args.results.write_text(json.dumps(results, indent=1) + "\n")
    args.plot.write_text(plot(curves))
    for style, curve in curves.items():
        print(style, f"AURC {curve['aurc']:.4f}", [f"{c:.2f}: {r:.3f}" for c, r in curve["points"]])


def risk_coverage(wrong: np.ndarray, confidence: np.ndarray) -> dict:
    """`points` are [share answered, error rate among them]; `aurc` is the mean error rate over every possible share."""
    ranked = wrong[np.argsort(-confidence, kind="stable")]
    risks = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    points = [[share, float(risks[max(1, round(share * len(risks))) - 1])] for share in COVERAGES]
    return {"answers": len(risks), "aurc": float(risks.mean()), "points": points}


# Sizes of the plot in SVG units.
WIDTH, HEIGHT = 460, 290
LEFT, TOP, RIGHT, BOTTOM = 54, 16, 110, 44
# Colours that people with a colour weakness tell apart (Okabe and Ito).
LINES = {"seen": ("#0072b2", "seen styles"), TEST_STYLE: ("#d55e00", "held-out style")}


def plot(curves: dict) -> str:
    """The curves as a small SVG with a white ground, so that it can be read on dark pages too."""
    top = max(0.05, max(risk for curve in curves.values() for _, risk in curve["points"]))
    # A round number of percent, at least as large as the largest risk.
    top = np.ceil(top * 20) / 20

    def x(share: float) -> float:
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(risk: float) -> float:
        return HEIGHT - BOTTOM - risk / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        "<title>Error rate against the share of questions answered</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for k in range(6):
        risk, share = top * k / 5, k / 5
        parts.append(f'<path d="M{x(0):.0f} {y(risk):.1f}H{x(1):.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(risk) + 4:.1f}" text-anchor="end">{100 * risk:.0f}%</text>')
        parts.append(f'<text x="{x(share):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{100 * share:.0f}%</text>')
    for style, curve in curves.items():
        color, name = LINES[style]
        points = " ".join(f"{x(share):.1f},{y(risk):.1f}" for share, risk in curve["points"])
        share, risk = curve["points"][-1]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{x(share) + 6:.1f}" y="{y(risk) + 4:.1f}" fill="{color}">{name}</text>')
    parts.append(f'<text x="{(x(0) + x(1)) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">share answered, surest first</text>')
    parts.append(f'<text transform="translate(14 {(y(0) + y(top)) / 2:.0f}) rotate(-90)" text-anchor="middle">error rate</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
