"""The sheet of photographs with the model's answers, as they come, and the notice that goes with it.

    python -m photographs.sheet --work DIR --checkpoint DIR/language.pt --trust trust.json --out sheet.jpg --notice NOTICE.photographs

sheet.json lists them. They are among the packaged pictures of pictures.py, whose evidence is in DIR/pictures.npz already.
"""

import argparse
import json
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from questions import UNSURE

from .concepts import NAMES, PHRASES
from .domain import Domain
from .evaluate import Photographs, load
from .pictures import read
from .trust import Calibration
from .words import Codec

COLUMNS, SIDE, CAPTION, MARGIN, LINE = 6, 160, 68, 6, 15
TERMS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-1.0": "https://creativecommons.org/licenses/by/1.0/",
    "CC-BY-2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "public-domain": "public domain",
}


def listed() -> list[list]:
    return json.loads((Path(__file__).parent / "sheet.json").read_text())["photographs"]


def notice() -> str:
    lines = [
        "Photographs of the demo model's sheet", "=====================================", "",
        "photographs/sheet.jpg shows these photographs, reduced in size. Packages are Debian's; of gcompris-qt-data the authors and terms",
        "are those of its copyright file, of python3-skimage those that scikit-image's documentation gives.", "",
    ]  # fmt: skip
    for package, file, _, author, terms in listed():
        lines.append(
            f"- {file.split('/')[-1]} ({package}): {author}, {terms}{'' if TERMS[terms] == 'public domain' else f' ({TERMS[terms]})'}"
        )
    return "\n".join(lines) + "\n"


def wrapped(draw: ImageDraw.ImageDraw, text: str, font) -> list[str]:
    """Lines that fit under one photograph."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font) > SIDE - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--notice", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    trust, domain = json.loads(args.trust.read_text()), Domain(json.loads((args.work / "domain.json").read_text()))
    saved = trust["calibration"]
    one, pictures = Calibration(saved["temperature"], saved["shift"], saved["domain"]["weight"]), Photographs(args.work)
    replies = pictures.ask(load(args.checkpoint), Codec(args.work / "tokenizer"))
    scores = domain.score(pictures.tokens) - domain.saved["threshold"]
    at = {m["name"]: k for k, m in enumerate(pictures.meta)}
    photographs = listed()
    rows = -(-len(photographs) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * (SIDE + CAPTION)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for k, (package, file, concept, *_) in enumerate(photographs):
        x, y = k % COLUMNS * SIDE, k // COLUMNS * (SIDE + CAPTION)
        image = read(args.work / "debs" / "x" / package, file)
        image.thumbnail((SIDE - 8, SIDE - 8))
        sheet.paste(image, (x + (SIDE - image.width) // 2, y + SIDE - image.height))
        reply, score = replies[at[file]], scores[at[file]]
        sure = float(one(reply.confidence, score))
        if score < 0:
            said = "declined: not of its world"
        elif reply.text == UNSURE:
            said = reply.text
        else:
            said = f"{reply.text} {sure:.2f}{' (declined)' if sure < trust['below'] else ''}"
        given = score >= 0 and reply.text != UNSURE and sure >= trust["below"]
        right = reply.text.lower() == f"{PHRASES[NAMES.index(concept)]}." if concept else False
        color = (0, 110, 0) if given and right else (180, 0, 0) if given else (90, 90, 90)
        shows = f"({PHRASES[NAMES.index(concept)] if concept else 'not on its list'})"
        lines = [*((line, color) for line in wrapped(draw, said, font)), (shows, (90, 90, 90))]
        for line, (text, ink) in enumerate(lines):
            draw.text((x + MARGIN, y + SIDE + 4 + line * LINE), text, fill=ink, font=font)
        print(file.split("/")[-1], "|", said, "|", concept)
    sheet.save(args.out, quality=85, optimize=True)
    args.notice.write_text(notice())


if __name__ == "__main__":
    main()
