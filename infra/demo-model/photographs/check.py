"""Reference answers of an exported folder, for comparing another engine with it token by token.

    python -m photographs.check --folder FOLDER --pictures FOLDER --out FILE [--test-set QUESTIONS.jsonl]

`--test-set` asks the single questions of such a file about pictures beside it instead (`../agreement.ts` compares). Runs from the exported files alone, in float32: LLaDA-V's sampler for one block, temperature 0.
"""

import argparse
import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from .conversations import Conversation, Turn
from .evidence import Evidence
from .lite0 import SIZE, Block, Conv, Lite0, colors, to_pixels
from .model import Config, Model
from .sampler import answer
from .words import PICTURE, VECTORS, Codec

QUESTIONS = [
    (["dog.png"], "What is this?", 16, 16),
    (["banana.jpg"], "What is this?", 32, 8),
    (["bus.jpg"], "What is in the picture?", 16, 4),
    (["cat.png"], "Describe the picture.", 32, 32),
    (["strawberry.png"], "what is this", 8, 8),
    (["bicycle-wide.jpg"], "What is this?", 128, 16),
    (["umbrella-tall.png"], "Is this an animal?", 16, 16),
    (["rocket.png"], "What color is the background?", 16, 16),
    (["four.jpg"], "How many objects are there?", 32, 16),
    (["empty.png"], "What is this?", 16, 16),
    (["dog.png", "banana.jpg"], "What is in the second picture?", 32, 32),
]


def load_folder(folder: Path) -> tuple[Lite0, Evidence, Model]:
    tensors = load_file(folder / "model.safetensors")

    def below(prefix: str) -> dict[str, torch.Tensor]:
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    tower = "model.vision_tower."
    trunk = object.__new__(Lite0)
    torch.nn.Module.__init__(trunk)
    c = json.loads((folder / "config.json").read_text())
    build_trunk(trunk, below(f"{tower}trunk."), c["vision_config"])
    net = Evidence()
    net.load_state_dict(below(f"{tower}evidence."))
    config = Config(c["vocab_size"], c["mm_hidden_size"], c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"])
    config.mlp, config.rope_theta, config.rms_norm_eps = c["intermediate_size"], c["rope_theta"], c["rms_norm_eps"]
    model = Model(config)
    model.load_state_dict({name: value for name, value in tensors.items() if not name.startswith(tower)})
    return trunk, net.eval(), model.eval()


def build_trunk(trunk: Lite0, tensors: dict[str, torch.Tensor], tower: dict) -> None:
    """The trunk from its folded convolutions: the package's weights are not asked for."""
    size = tower["image_size"]

    def conv(name: str, stride: int, clip: bool) -> Conv:
        nonlocal size
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        made = Conv(weight, bias, stride, weight.shape[0] if weight.shape[1] == 1 else 1, clip, size)
        size //= stride
        return made

    trunk.stem = conv("stem", tower["stem"]["stride"], True)
    blocks = []
    for k, block in enumerate(tower["blocks"]):
        count = 2 if block["expansion"] == 1 else 3
        strides = [block["stride"] if place == count - 2 else 1 for place in range(count)]
        convs = [conv(f"blocks.{k}.convs.{place}", strides[place], place < count - 1) for place in range(count)]
        blocks.append(Block(convs, block["skip"]))
    trunk.blocks = torch.nn.ModuleList(blocks)
    trunk.head = conv("head", 1, True)
    trunk.eval().to(memory_format=torch.channels_last)


def of_test_set(file: Path) -> list[tuple[list[str], str, int, int]]:
    asked = [json.loads(line) for line in file.read_text().splitlines()]
    return [([one["image"]], one["question"], 32, 16) for one in asked if "question" in one]


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--test-set", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    questions = of_test_set(args.test_set) if args.test_set else QUESTIONS
    (trunk, net, model), codec = load_folder(args.folder), Codec(args.folder)

    @cache
    def seen_in(file: str) -> torch.Tensor:
        pixels = np.asarray(Image.open(args.pictures / file).convert("RGB").resize((SIZE, SIZE), Image.BICUBIC)).copy()[None]
        seen, tap = trunk(to_pixels(pixels))
        return net(seen, tap, colors(pixels))[0]

    cases = []
    for files, question, canvas, steps in questions:
        tokens = [seen_in(file) for file in files]
        talk = Conversation([Turn(question, list(range(len(files))))], [], "check")
        reply = answer(model, codec, tokens, [talk], canvas, steps)[0]
        asked = codec.prompt(talk)
        # -200 stands for each picture: its tokens and a newline.
        kept = [(k, token) for k, token in enumerate(asked.ids) if token != PICTURE or k in asked.starts]
        prompt = [-200 if k in asked.starts else token for k, token in kept]
        cases.append(
            {
                "files": files, "question": question, "prompt_ids": prompt, "image_vectors": VECTORS * len(files), "canvas": canvas,
                "steps": steps, "output_ids": reply.ids, "text": reply.text,
            }
        )  # fmt: skip
        print(*files, "|", question, "|", reply.text)
    args.out.write_text(json.dumps({"cases": cases}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
