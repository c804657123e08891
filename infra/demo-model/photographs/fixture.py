"""Write the reference checkpoint `tiny-conv` and its cases: this recipe's tower, projector and language tower, random and in miniature.

    python -m photographs.fixture --out ../../test/fixtures/reference

The numbers come from the recipe's own code (lite0.py, evidence.py, model.py) with small sizes put in place of its constants, and from
LLaDA-V's sampler for one block. `unmask parity` holds the server's engine to them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from . import concepts, lite0

concepts.CONCEPTS = concepts.CONCEPTS[:6]
lite0.SIZE, lite0.CELLS, lite0.WIDTH, lite0.TAP, lite0.TAP_WIDTH = 56, 7, 24, 1, 12
# As the large one: two kernels, a block without expansion, a tap at twice the cells, a residual block, odd and even paddings.
lite0.STAGES = ((1, 3, 1, 1, 8), (1, 3, 2, 3, 12), (1, 5, 2, 2, 16), (1, 5, 1, 2, 16))

from . import evidence  # noqa: E402

evidence.HIDDEN = 20
from . import export  # noqa: E402
from .model import Config, Model  # noqa: E402

CLASSES = 30
BOS, EOS, MASK, SOH, EOH, EOT, FILL = range(150, 157)
SUPPRESSED = [EOS, BOS, SOH, EOH, FILL]
PICTURE = -200
CANVAS = 12
CLOSEST = 5e-4  # no choice may be closer to another, in logits or confidence


def random_trunk(generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Tensors by the package's names, kept at a size at which ReLU6 cuts some of them."""
    saved = {}

    def conv(name: str, norm: str, out: int, inputs: int, kernel: int) -> None:
        spread = (0.8 / (inputs * kernel**2)) ** 0.5
        saved[f"{name}.weight"] = torch.randn(out, inputs, kernel, kernel, generator=generator) * spread
        saved[f"{norm}.weight"] = 0.7 + torch.rand(out, generator=generator)
        saved[f"{norm}.bias"] = torch.randn(out, generator=generator) * 0.3
        saved[f"{norm}.running_mean"] = torch.randn(out, generator=generator) * 0.1
        saved[f"{norm}.running_var"] = 0.5 + torch.rand(out, generator=generator)

    conv("_conv_stem", "_bn0", 32, 3, 3)
    channels = 32
    for k, (_, kernel, _, expansion, out) in enumerate(lite0.STAGES):
        name, inner = f"_blocks.{k}", channels * expansion
        if expansion > 1:
            conv(f"{name}._expand_conv", f"{name}._bn0", inner, channels, 1)
        conv(f"{name}._depthwise_conv", f"{name}._bn1", inner, 1, kernel)
        conv(f"{name}._project_conv", f"{name}._bn2", out, inner, 1)
        channels = out
    conv("_conv_head", "_bn1", lite0.WIDTH, channels, 1)
    saved["_fc.weight"] = torch.randn(CLASSES, lite0.WIDTH, generator=generator) * 0.3
    saved["_fc.bias"] = torch.randn(CLASSES, generator=generator) * 0.3
    return saved


def random_evidence(trunk: lite0.Lite0, generator: torch.Generator) -> evidence.Evidence:
    net = evidence.Evidence()
    net.class_weight, net.class_bias = trunk.class_weight, trunk.class_bias
    net.mapping = (torch.arange(CLASSES)[:, None] % 9 == torch.arange(evidence.KNOWN)).float()
    for name, buffer in net.named_buffers():
        if name.endswith(("_mean", "_std")):
            noise = torch.rand(buffer.shape, generator=generator)
            buffer.copy_(0.5 + noise if name.endswith("_std") else noise - 0.5)
    for parameter in net.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return net.eval()


def random_model(generator: torch.Generator) -> Model:
    model = Model(Config(vocab_size=160, hidden=32, layers=2, heads=2, mlp=48))
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 or "newline" in name:
            size = 1.0 if "embed" in name or "newline" in name else 1.5 * parameter.shape[-1] ** -0.5
            parameter.data = torch.randn(parameter.shape, generator=generator) * size
    return model.eval()


def config_json() -> dict:
    tower = export.tower_json() | {"classes": CLASSES}
    return {
        "architectures": ["LlavaLLaDAModelLM"], "model_type": "llava_llada", "hidden_act": "silu", "hidden_size": 32,
        "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "vocab_size": 160, "tie_word_embeddings": False, "torch_dtype": "float32",
        "max_position_embeddings": 256, "system_prompt": "", "bos_token_id": BOS, "eos_token_id": EOS,
        "mm_hidden_size": evidence.FEATURES, "mm_projector_type": "mlp2x_gelu", "mm_vision_tower": "conv", "vision_config": tower,
        "fill_token_id": FILL,
    }  # fmt: skip


def draw(width: int, height: int, generator: np.random.Generator) -> np.ndarray:
    """Blocks of strong colour under noise: what overshoots 0 … 255 while it is scaled."""
    rows, columns = -(-height // 9), -(-width // 7)
    blocks = generator.integers(0, 2, (rows, columns, 3)) * 255
    picture = np.kron(blocks, np.ones((9, 7, 1), dtype=int))[:height, :width]
    return np.clip(picture + generator.integers(-20, 21, picture.shape), 0, 255).astype(np.uint8)


def see(trunk, net, model, pictures: list[np.ndarray]) -> tuple[dict[str, torch.Tensor], list[torch.Tensor]]:
    """Arrays from inside, each of all pictures, and each picture's vectors."""
    seen: dict[str, list[torch.Tensor]] = {}
    vectors = []
    for k, picture in enumerate(pictures):
        side = (lite0.SIZE, lite0.SIZE)
        pixels = np.asarray(Image.fromarray(picture).resize(side, Image.BICUBIC)).copy()[None]
        cells, tap = trunk(lite0.to_pixels(pixels))
        color = lite0.colors(pixels)
        tokens = net(cells, tap, color)
        whole = model.project(tokens)
        inside = {"map": cells, "tap": tap, "colors": color, "features": tokens}
        for name, value in inside.items():
            seen.setdefault(f"vision_{name}", []).append(value)
        seen.setdefault("projected", []).append(whole[:, :-1])
        seen[f"pixel_values{k}"] = [lite0.to_pixels(pixels)]
        vectors.append(whole[0])
    return {name: torch.cat(values).contiguous() for name, values in seen.items()}, vectors


def decode(model, prompt: torch.Tensor, steps: int) -> tuple[dict, dict[str, torch.Tensor], float]:
    """LLaDA-V's sampler for one block: run, arrays of it, and how close the closest choice was. Source: generate in modeling_llada.py."""
    table = model.model.embed_tokens
    y = torch.full((CANVAS,), MASK)
    counts = [CANVAS // steps + (step < CANVAS % steps) for step in range(steps)]
    trace, arrays, closest = [], {"confidence": [], "x0": []}, float("inf")
    for step, count in enumerate(counts):
        x = torch.cat((prompt, table(y)))[None]
        logits = model.lm_head(model.language(x, torch.arange(x.shape[1])[None]))[0, -CANVAS:].float()
        if step == 0:
            arrays["logits"] = logits.clone()
        logits[:, SUPPRESSED] = float("-inf")
        top = logits.topk(2).values
        chosen = logits.argmax(-1)
        p = logits.double().softmax(-1).gather(-1, chosen[:, None])[:, 0]
        open_ = y == MASK
        confidence = torch.where(open_, p, -torch.inf)
        order = confidence.sort(descending=True, stable=True)
        places = order.indices[:count].sort().values
        following = order.values[count] if count < int(open_.sum()) else torch.tensor(-torch.inf, dtype=torch.double)
        closest = min(closest, float(order.values[count - 1] - following), float((top[:, 0] - top[:, 1])[places].min()))
        arrays["confidence"].append(confidence)
        arrays["x0"].append(torch.where(open_, chosen, y).int())
        trace.append(
            {
                "block": 0, "step": step, "k": count, "forward_len": x.shape[1], "pos": places.tolist(),
                "tok": chosen[places].tolist(), "conf": p[places].tolist(),
            }
        )  # fmt: skip
        y = torch.where(torch.zeros(CANVAS, dtype=torch.bool).scatter(0, places, True), chosen, y)
    run = {
        "gen_length": CANVAS, "block_length": CANVAS, "steps": steps, "mode": "baseline", "mask_id": MASK, "output": y.tolist(),
        "num_forwards": steps, "num_transfer_tokens": [counts], "trace": trace,
    }  # fmt: skip
    stacked = {"confidence": torch.stack(arrays["confidence"]), "x0": torch.stack(arrays["x0"]), "logits": arrays["logits"]}
    return run, stacked, closest


def write_case(folder: Path, parts, sizes: list[tuple[int, int]], text: list[int], seed: int) -> float:
    trunk, net, model = parts
    generator = np.random.default_rng(seed)
    pictures = [draw(width, height, generator) for width, height in sizes]
    arrays, vectors = see(trunk, net, model, pictures)
    ids = [BOS, *text[:3], *[PICTURE] * len(pictures), *text[3:]]
    pieces, left = [], list(vectors)
    for token in ids:
        pieces.append(left.pop(0) if token == PICTURE else model.model.embed_tokens(torch.tensor([token])))
    prompt = torch.cat(pieces)
    arrays["inputs_embeds"] = prompt
    runs, closest = [], float("inf")
    for index, steps in enumerate((CANVAS, 4)):
        run, inside, gap = decode(model, prompt, steps)
        runs.append(run)
        arrays[f"run{index}_confidence"], arrays[f"run{index}_x0"] = inside["confidence"], inside["x0"]
        if index == 0:
            arrays["run0_step0_logits_gen"] = inside["logits"]
        closest = min(closest, gap)
    special = {"bos": BOS, "eos": EOS, "mask": MASK, "soh": SOH, "eoh": EOH, "eot": EOT}
    case = {
        "name": folder.name, "checkpoint": "tiny-conv", "special_ids": special | {"suppressed": SUPPRESSED, "image_sentinel": PICTURE},
        "images": [{"file": f"image{k}.png", "size_wh": size} for k, size in enumerate(sizes)], "input_ids": ids,
        "prompt_len": prompt.shape[0], "tiles_per_image": [1] * len(sizes), "image_tokens_per_image": [evidence.TOKENS + 1] * len(sizes),
        "runs": runs,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for k, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"image{k}.png", optimize=True)
    (folder / "case.json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
    save_file({name: value.detach().contiguous() for name, value in arrays.items()}, folder / "tensors.safetensors")
    return closest


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(13)
    trunk = lite0.Lite0(random_trunk(generator))
    parts = trunk, random_evidence(trunk, generator), random_model(generator)
    checkpoint = args.out / "tiny-conv"
    checkpoint.mkdir(parents=True, exist_ok=True)
    save_file(export.tensors_of(*parts), checkpoint / "model.safetensors", metadata={"format": "pt"})
    (checkpoint / "config.json").write_text(json.dumps(config_json(), indent=1) + "\n")
    cases = {
        # Wider and lower at once: the order of the resize's passes shows.
        "c01_conv_40x90": ([(40, 90)], [7, 91, 33, 12, 60]),
        "c02_conv_two_pictures": ([(131, 57), (56, 56)], [101, 4, 77, 45]),
    }  # fmt: skip
    for k, (name, (sizes, text)) in enumerate(cases.items()):
        closest = write_case(args.out / "cases" / name, parts, sizes, text, seed=k)
        print(f"{name}: closest choice {closest:.1e}")
        if closest < CLOSEST:
            raise SystemExit(f"{name}: a choice is closer than {CLOSEST}; take another seed")


if __name__ == "__main__":
    main()
