"""Measure a checkpoint: families by style and canvas, ways of asking, photographs, and pictures that show nothing known.

    python -m photographs.evaluate --work DIR --checkpoint DIR/language.pt --count 48 --out results.json

`seen` are training styles in new scenes, `noto` the held-out style (in its scenes of two or more things at least one pair never
met in training), `far` outlines. Photographs come from DIR/pictures.npz, see pictures.py; they are told apart in two halves.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from questions import UNSURE, Outside

from .concepts import NAMES, PHRASES
from .conversations import Conversation, Talker, Turn
from .evidence import load as load_evidence
from .model import Config, Model
from .sampler import Pictures, answer
from .tokens import Scenes
from .words import Codec

# row -> (family, numbers of things)
ROWS = {
    "what, 1 object": ("what", [1]),
    "what, 2 objects": ("what", [2]),
    "what, 3-4 objects": ("what", [3, 4]),
    "describe, 1 object": ("describe", [1]),
    "describe, 2 objects": ("describe", [2]),
    "background colour": ("bg", [1, 2, 3, 4]),
    "kind": ("kind", [1]),
    "is it a (kind)?": ("iskind", [1]),
    "is there a (thing)?": ("exist", [1, 2, 3, 4]),
    "how many": ("count", [1, 2, 3, 4]),
    "what is (place), 2 objects": ("what_at", [2]),
    "what is (place), 3-4 objects": ("what_at", [3, 4]),
    "where is the (thing)": ("where", [2, 3, 4]),
    "is the (thing) left of the (thing)?": ("relation", [2, 3, 4]),
    "which is on the left?": ("which", [2, 3, 4]),
    "which is bigger?": ("bigger", [2]),
    "how many (kind)": ("countkind", [1, 2, 3, 4]),
    "follow-up": ("follow", [1, 2, 3, 4]),
    "where is the (absent thing)": ("absent", [1, 2, 3, 4]),
    "what, empty picture or noise": ("what", [0]),
}
WAYS = ("form", "turns", "pictures", "later")
CANVASES = (8, 16, 64, 128)  # beside 32, on which everything is measured
SHORT, SHORT_ROWS = 8, ("what, 1 object", "describe, 2 objects", "what is (place), 2 objects", "where is the (thing)", "how many")


def load(path: Path) -> Model:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = Model(Config(**saved["config"]))
    model.load_state_dict(saved["model"])
    return model.eval()


class Questions:
    def __init__(self, scenes: Scenes, seed: int, system: bool = False):
        self.scenes, self.rng = scenes, np.random.default_rng(seed)
        everything = list(range(len(scenes.views)))
        self.by_count = {
            n: [i for i in everything if len(scenes.views[i].objects) == n and not scenes.views[i].other] for n in range(5)
        }
        self.talker = Talker(self.rng, scenes.views, lambda: int(self.rng.integers(len(scenes.views))), test=True)
        self.system = system

    def ask(self, talk: Conversation) -> Conversation:
        talk.system = (
            self.talker.pick(["You are a museum guide who loves art.", "Keep your answers short and factual."])
            if self.system
            else None
        )
        return talk

    def row(self, name: str, count: int) -> list[Conversation]:
        family, numbers = ROWS[name]
        found = []
        while len(found) < count:
            index = self.talker.pick(self.by_count[numbers[len(found) % len(numbers)]])
            view = self.scenes.views[index]
            if not self.talker.asker.possible(view, family) or (family == "bg" and view.color is None):
                continue
            found.append(self.ask(self.talker.one(index, family)))
        return found

    def way(self, kind: str, count: int) -> list[Conversation]:
        return [self.ask(self.talker.draw_conversation(kind)) for _ in range(count)]


def wanted(codec: Codec, talk: Conversation, canvas: int) -> str:
    """The longest right answer that fits."""
    if talk.slots is not None:
        return talk.answers[0]
    return next((t for t in talk.answers if len(codec.answer(t)) < canvas), talk.answers[-1])


def score(model, codec, scenes, talks, canvas, steps) -> list[tuple[bool, float, str, str]]:
    """(right, confidence, reply, what was wanted)."""
    replies = answer(model, codec, Pictures(scenes), talks, canvas, steps)
    return [(r.text == (w := wanted(codec, t, canvas)), r.confidence, r.text, w) for r, t in zip(replies, talks)]


def share(scored) -> float:
    return float(np.mean([s[0] for s in scored]))


class Photographs:
    """Evidence tokens of the packaged pictures."""

    def __init__(self, work: Path, name: str = "pictures"):
        data = np.load(work / f"{name}.npz")
        self.meta = json.loads((work / "pictures.json").read_text())
        net = load_evidence(work / "evidence.pt")
        parts = [
            tuple(torch.from_numpy(data[k][i : i + 64]).float() for k in ("map", "tap", "color"))
            for i in range(0, len(self.meta), 64)
        ]
        with torch.no_grad():
            self.tokens = torch.cat([net(*p) for p in parts])

    def __getitem__(self, index: int):
        return self.tokens[index]

    def ask(self, model, codec, canvas: int = 16, steps: int = 8):
        talks = [Conversation([Turn("What is this?", [i])], [""], "what") for i in range(len(self.meta))]
        return answer(model, codec, self, talks, canvas, steps)


def photographs(model, codec, pictures: Photographs, half: str | None, floors=(0.0, 0.5, 0.7, 0.8, 0.9)) -> dict:
    """By group: share named, and of known things share right among those, where the confidence is above a floor."""
    replies = pictures.ask(model, codec)
    table: dict = {}
    for group in dict.fromkeys(m["group"] for m in pictures.meta):
        chosen = [(r, m) for r, m in zip(replies, pictures.meta) if m["group"] == group and half in (None, m["half"])]
        cells = {}
        for floor in floors:
            named = [(r, m) for r, m in chosen if r.text != UNSURE and r.confidence >= floor]
            right = [r.text.lower() == f"{PHRASES[NAMES.index(m['label'])]}." for r, m in named if m["label"]]
            cells[str(floor)] = {"named": len(named) / max(1, len(chosen)), **({"right": float(np.mean(right))} if right else {})}
        table[group] = {"pictures": len(chosen), "floors": cells}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48, help="questions in each row and style")
    parser.add_argument("--canvas-count", type=int, default=24, help="the same on other canvases than 32")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--styles", default="seen,noto,far")
    parser.add_argument("--canvases", default=",".join(map(str, CANVASES)))
    parser.add_argument("--half", default=None, help="choose or measure: of the photographs")
    parser.add_argument("--quick", action="store_true", help="rows at canvas 32 only")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, codec = load(args.checkpoint), Codec(args.work / "tokenizer")
    result: dict = {
        "count": args.count,
        "canvas_count": args.canvas_count,
        "steps": args.steps,
        "rows": {},
        "ways": {},
        "canvases": {},
        "system": {},
    }
    for style in args.styles.split(","):
        scenes = Scenes(args.work, style)
        drawn = {name: Questions(scenes, args.seed).row(name, args.count) for name in ROWS}
        for name, talks in drawn.items():
            scored = score(model, codec, scenes, talks, 32, args.steps)
            result["rows"].setdefault(name, {})[style] = share(scored)
            wrong = Counter(f"{s[2]} | {s[3]}" for s in scored if not s[0])
            result.setdefault("wrong", {}).setdefault(style, {})[name] = [w for w, _ in wrong.most_common(3)]
        for way in WAYS:
            talks = Questions(scenes, args.seed).way(way, args.count)
            result["ways"].setdefault(way, {})[style] = share(score(model, codec, scenes, talks, 32, 16))
        outside = Outside(np.random.default_rng(args.seed), test=True)
        talks = [Conversation([Turn(outside.ask(), [int(i)])], [UNSURE], "outside") for i in range(args.count)]
        result["ways"].setdefault("outside of the world", {})[style] = share(score(model, codec, scenes, talks, 32, args.steps))
        print(style, {k: round(v[style], 2) for k, v in (result["rows"] | result["ways"]).items()}, flush=True)
        if args.quick:
            continue
        asked = Questions(scenes, args.seed, system=True)
        result["system"][style] = {
            n: share(score(model, codec, scenes, asked.row(n, args.count), 32, args.steps))
            for n in ("what, 1 object", "how many")
        }
        for canvas in map(int, args.canvases.split(",")):
            cells = {
                n: share(score(model, codec, scenes, talks[: args.canvas_count], canvas, min(args.steps, canvas)))
                for n, talks in drawn.items()
                if canvas > SHORT or n in SHORT_ROWS
            }
            result["canvases"].setdefault(str(canvas), {})[style] = cells
    if (args.work / "pictures.npz").exists():
        result["photographs"] = photographs(model, codec, Photographs(args.work), args.half)
        print(json.dumps(result["photographs"]))
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
