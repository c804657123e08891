"""Write trunk, evidence and language tower as one Hugging Face folder, and what they give for some pictures.

    python -m photographs.export --work DIR --checkpoint DIR/language.pt --out FOLDER [--trust trust.json] [--pictures FOLDER]

FOLDER/config.json describes the `conv` tower (README.md says how it computes), FOLDER/trust.json the model's world and how far its
confidence can be trusted; FOLDER/reference.json holds, for each picture, the
digest of its pixels, the largest evidence, and sums by which another engine can be compared; the tokens themselves are in
FOLDER/reference.safetensors.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from questions import UNSURE

from .concepts import CONCEPTS, PHRASES
from .evaluate import load
from .evidence import ENERGY_SCALE, FEATURES, HIDDEN, KNOWN, TOKENS, Evidence
from .evidence import load as load_evidence
from .lite0 import CELLS, SIZE, STAGES, TAP, TAP_WIDTH, WIDTH, Lite0, colors, fetch, to_pixels
from .words import Codec

PIXELS = ("mean", 127), ("deviation", 128)


def tower_json() -> dict:
    blocks, channels = [], 32
    for repeats, kernel, first, expansion, out in STAGES:
        for k in range(repeats):
            stride = first if k == 0 else 1
            shape = {"in": channels, "out": out, "expansion": expansion, "kernel": kernel, "stride": stride}
            blocks.append(shape | {"skip": stride == 1 and channels == out})
            channels = out
    return {
        "kind": "conv", "image_size": SIZE, "image_fit": "stretch", **{f"pixel_{name}": value for name, value in PIXELS},
        "padding": "same_tensorflow", "activation": "relu6", "stem": {"out": 32, "kernel": 3, "stride": 2}, "blocks": blocks,
        "head": WIDTH, "tap": {"block": TAP, "width": TAP_WIDTH, "unshuffle": 2}, "cells": CELLS, "classes": 1000, "concepts": KNOWN,
        "reader_hidden": HIDDEN, "energy_scale": ENERGY_SCALE, "tokens": TOKENS, "features": FEATURES,
    }  # fmt: skip


def trust_json(domain: dict | None, trust: dict | None) -> dict:
    """What `unmask convert --trust` takes over into the manifest: the model's world, its calibration, when it declines."""
    parts: dict = {"abstention": {"sentences": [UNSURE]}}
    if domain is not None:
        score = {k: domain[k] for k in ("statistics", "mean", "deviation", "weight", "limit", "bias", "threshold")}
        about = "Photographs and drawings of the everyday things listed, one to four at a time."
        parts["domain"] = {"description": about, "things": PHRASES, "score": score}
    if trust is not None:
        parts["calibration"] = trust["calibration"]
        if "below" in trust:
            parts["abstention"]["below"] = trust["below"]
    return parts


def config_json(model, codec: Codec) -> dict:
    c = model.config
    return {
        "architectures": ["LlavaLLaDAModelLM"], "model_type": "llava_llada", "hidden_act": "silu", "hidden_size": c.hidden,
        "intermediate_size": c.mlp, "num_hidden_layers": c.layers, "num_attention_heads": c.heads, "num_key_value_heads": c.heads,
        "rms_norm_eps": c.rms_norm_eps, "rope_theta": c.rope_theta, "rope_scaling": None, "vocab_size": c.vocab_size,
        "tie_word_embeddings": False, "torch_dtype": "float32", "max_position_embeddings": 1024, "system_prompt": "",
        "bos_token_id": codec.bos, "eos_token_id": codec.eos, "mm_hidden_size": c.features, "mm_projector_type": "mlp2x_gelu",
        "mm_vision_tower": "conv", "vision_config": tower_json(), "fill_token_id": codec.fill,
    }  # fmt: skip


def tensors_of(trunk: Lite0, net: Evidence, model) -> dict[str, torch.Tensor]:
    tensors = dict(model.state_dict())
    for name, value in trunk.state_dict().items():
        # The classifier is the evidence's.
        if not name.startswith("class_"):
            tensors[f"model.vision_tower.trunk.{name}"] = value
    for name, value in net.state_dict().items():
        tensors[f"model.vision_tower.evidence.{name}"] = value
    return {name: value.contiguous() for name, value in tensors.items()}


@torch.no_grad()
def reference(trunk: Lite0, net: Evidence, model, folder: Path) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """What every picture of the folder becomes: evidence tokens and the vectors that enter the language tower."""
    cases, kept = [], {}
    for file in sorted(f for f in folder.iterdir() if f.suffix in (".png", ".jpg", ".webp")):
        pixels = np.asarray(Image.open(file).convert("RGB").resize((SIZE, SIZE), Image.BICUBIC))
        seen, tap = trunk(to_pixels(pixels[None]))
        tokens = net(seen, tap, colors(pixels[None]))[0]
        vectors = model.project(tokens[None])[0]
        best = int(tokens[-1, :KNOWN].argmax())
        cases.append(
            {
                "file": file.name, "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(), "map_sum": float(seen.sum()),
                "tap_sum": float(tap.sum()), "best": CONCEPTS[best]["phrase"], "evidence": float(tokens[-1, best]),
            }
        )  # fmt: skip
        kept[f"{file.name}.tokens"], kept[f"{file.name}.vectors"] = tokens.contiguous(), vectors.contiguous()
    return cases, kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="pictures for the reference")
    parser.add_argument("--trust", type=Path, help="what photographs.trust wrote")
    args = parser.parse_args()
    torch.set_num_threads(1)
    trunk, net, model = Lite0(fetch(args.work)), load_evidence(args.work / "evidence.pt"), load(args.checkpoint)
    codec = Codec(args.work / "tokenizer")
    domain, trust = (json.loads(f.read_text()) if f and f.exists() else None for f in (args.work / "domain.json", args.trust))
    args.out.mkdir(parents=True, exist_ok=True)
    tensors = tensors_of(trunk, net, model)
    save_file(tensors, args.out / "model.safetensors", metadata={"format": "pt"})
    (args.out / "config.json").write_text(json.dumps(config_json(model, codec), indent=2) + "\n")
    (args.out / "trust.json").write_text(json.dumps(trust_json(domain, trust), indent=1) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(args.work / "tokenizer" / name, args.out / name)
    if args.pictures:
        cases, kept = reference(trunk, net, model, args.pictures)
        save_file(kept, args.out / "reference.safetensors")
        (args.out / "reference.json").write_text(json.dumps(cases, indent=1) + "\n")
        print(*(f"{c['file']}: {c['best']} {c['evidence']:.2f}" for c in cases), sep="\n")
    print(f"{args.out}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values()):,} values")


if __name__ == "__main__":
    main()
