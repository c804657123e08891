"""Draw a grid of held-out scenes with a question, the model's answer and, where it is wrong, the right one.

python examples.py --work DIR --checkpoint DIR/full.pt --out examples.png
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from evaluate import TestScenes, load, replies
from scenes import TEST_STYLE
from tokenizer import Codec

# Drawn in this order from a fixed seed; nothing is picked by hand.
ROWS = [
    "what, 1 object", "describe, 1 object", "kind", "is it a (kind)?",
    "is there a (thing)?", "what, 2 objects", "describe, 2 objects", "what is (place), 3-4 objects",
    "where is the (thing)", "is the (thing) left of the (thing)?", "which is bigger?", "how many (kind)",
    "follow-up", "where is the (absent thing)", "how many", "background colour",
]  # fmt: skip


def wrap(text: str, width: int) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, codec = load(args.checkpoint), Codec(args.work / "tokenizer")
    scenes = TestScenes(args.work, model.config, {TEST_STYLE: 1.0}, args.seed)
    items = [scenes.draw(row, 1, start=7 * k)[0] for k, row in enumerate(ROWS)]
    got = replies(model, codec, items, 32, 16)
    cell, columns = (230, 290), 4
    sheet = Image.new("RGB", (cell[0] * columns, cell[1] * -(-len(items) // columns)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for k, ((scene, question, answer), reply) in enumerate(zip(items, got)):
        x, y = k % columns * cell[0] + 19, k // columns * cell[1] + 10
        sheet.paste(Image.fromarray(scene.image).resize((192, 192), Image.BICUBIC), (x, y))
        asked = question if isinstance(question, str) else " / ".join(question)
        text = f"Q: {wrap(asked, 32)}\nA: {wrap(reply, 32)}"
        if reply != answer:
            text += f"\n(right: {wrap(answer, 32)})"
        draw.multiline_text((x, y + 197), text, fill="black" if reply == answer else (180, 0, 0), font=font, spacing=2)
    sheet.quantize(160).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
