"""Reference outputs of an exported folder, for comparing another engine with it token by token.

    python check.py --folder FOLDER --pictures FOLDER --out FOLDER/check.json

Runs from the exported files alone: float32, one block, temperature 0, mask id suppressed.
"""

import argparse
import json
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

from model import Config, LlavaLLaDA
from sampler import generate
from scenes import square
from tokenizer import Codec

QUESTIONS = [
    ("dog.png", "What is this?", 16, 16),
    ("dog.png", "Who painted this?", 16, 16),
    ("bus.jpg", "What kind of thing is this?", 16, 4),
    ("cat.png", "Describe the picture.", 32, 32),
    ("banana.jpg", "what is this", 32, 8),
    ("rocket.png", "What color is the background?", 8, 8),
    ("bicycle-wide.jpg", "What is in the picture?", 16, 8),
    ("umbrella-tall.png", "Is this an animal?", 16, 1),
    ("dog-and-bus.png", "Describe the image.", 32, 32),
    ("frog-above-star.jpg", "What is at the top?", 16, 16),
    ("four.jpg", "Where is the helicopter?", 16, 16),
    ("four.jpg", "How many objects are there?", 32, 16),
    ("four.jpg", "Is the penguin below the pizza?", 16, 4),
    ("four.jpg", "Is there a cactus?", 16, 16),
    ("apple-and-guitar.png", "How many fruits are there?", 16, 16),
    ("crown-and-owl.png", "Which is bigger, the crown or the owl?", 16, 16),
    ("empty.png", "今何時ですか。", 16, 16),
]


def load_folder(folder: Path) -> LlavaLLaDA:
    c = json.loads((folder / "config.json").read_text())
    v = c["vision_config"]
    config = Config(
        vocab_size=c["vocab_size"],
        image_size=v["image_size"],
        patch_size=v["patch_size"],
        vision_hidden=v["hidden_size"],
        vision_layers=v["num_hidden_layers"] - 1,
        vision_heads=v["num_attention_heads"],
        vision_mlp=v["intermediate_size"],
        hidden=c["hidden_size"],
        layers=c["num_hidden_layers"],
        heads=c["num_attention_heads"],
        mlp=c["intermediate_size"],
        rope_theta=c["rope_theta"],
        rms_norm_eps=c["rms_norm_eps"],
    )
    model = LlavaLLaDA(config)
    tensors = load_file(folder / "model.safetensors")
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    # The file has no separate standardisation: export folded it into the projector.
    if unexpected or set(missing) - {"feature_mean", "feature_std"}:
        raise SystemExit(f"missing {missing}, unexpected {unexpected}")
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, codec = load_folder(args.folder), Codec(args.folder)
    cases = []
    for file, question, canvas, steps in QUESTIONS:
        image = square(Image.open(args.pictures / file), model.config.image_size)
        ids = generate(model, codec, [image], [question], canvas, steps)[0]
        cases.append(
            {
                "file": file,
                "question": question,
                # -200 stands for the picture: the patch vectors and one newline vector.
                "prompt_ids": [*codec.before, -200, *codec.after(question)],
                "image_vectors": model.config.patches + 1,
                "canvas": canvas,
                "steps": steps,
                "output_ids": ids,
                "text": codec.decode(ids),
            }
        )
    special = {"bos": codec.bos, "eos": codec.eos, "mask": codec.mask, "eot": codec.eot}
    args.out.write_text(
        json.dumps({"special": special, "suppressed": codec.suppressed, "cases": cases}, indent=1, ensure_ascii=False) + "\n"
    )
    for case in cases:
        print(case["file"], "|", case["question"], "|", case["text"])


if __name__ == "__main__":
    main()
