"""Write a checkpoint as an ordinary Hugging Face folder.

    python export.py --work DIR --checkpoint DIR/full.pt --out FOLDER

The folder is written beside FOLDER and then takes its place.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from evaluate import load
from tokenizer import Codec


def config_json(model, codec: Codec) -> dict:
    c = model.config
    return {
        "architectures": ["LlavaLLaDAModelLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": codec.bos,
        "eos_token_id": codec.eos,
        "hidden_act": "silu",
        "hidden_size": c.hidden,
        "initializer_range": 0.02,
        "intermediate_size": c.mlp,
        "max_position_embeddings": 1024,
        "model_type": "llava_llada",
        "num_attention_heads": c.heads,
        "num_hidden_layers": c.layers,
        "num_key_value_heads": c.heads,
        "pretraining_tp": 1,
        "rms_norm_eps": c.rms_norm_eps,
        "rope_scaling": None,
        "rope_theta": c.rope_theta,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_cache": False,
        "vocab_size": c.vocab_size,
        "system_prompt": "",
        "mm_vision_tower": "siglip",
        "vision_tower_pretrained": None,
        "mm_projector_type": "mlp2x_gelu",
        "mm_hidden_size": c.vision_hidden,
        "mm_resampler_type": None,
        "use_mm_proj": True,
        "mm_vision_select_layer": -2,
        "mm_vision_select_feature": "patch",
        "mm_patch_merge_type": "spatial_unpad",
        "image_aspect_ratio": "pad",
        "image_grid_pinpoints": [[c.image_size, c.image_size]],
        "image_crop_resolution": None,
        "image_split_resolution": None,
        "mm_newline_position": "grid",
        "add_faster_video": False,
        "faster_token_stride": 10,
        "add_time_instruction": False,
        "force_sample": False,
        "mm_spatial_pool_stride": None,
        "mm_spatial_pool_mode": "bilinear",
        "mm_use_im_start_end": False,
        "mm_use_im_patch_token": False,
        "mm_projector_lr": None,
        "mm_vision_tower_lr": None,
        "mm_tunable_parts": "mm_vision_tower,mm_mlp_adapter,mm_language_model",
        "tokenizer_model_max_length": 1024,
        "tokenizer_padding_side": "right",
        "use_pos_skipping": False,
        "pos_skipping_range": 1024,
        "vision_config": {
            "hidden_size": c.vision_hidden,
            "image_size": c.image_size,
            "intermediate_size": c.vision_mlp,
            "layer_norm_eps": 1e-6,
            "num_attention_heads": c.vision_heads,
            # The reference drops the last layer when it loads, so the file holds one less.
            "num_hidden_layers": c.vision_layers + 1,
            "patch_size": c.patch_size,
        },
    }


def export(work: Path, checkpoint: Path, out: Path) -> None:
    model, codec = load(checkpoint), Codec(work / "tokenizer")
    model.fold_standardisation()
    tensors = {n: t.contiguous() for n, t in model.state_dict().items() if not n.startswith("feature_")}
    new = out.with_name(f"{out.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    save_file(tensors, new / "model.safetensors", metadata={"format": "pt"})
    (new / "config.json").write_text(json.dumps(config_json(model, codec), indent=2) + "\n")
    generation = {"bos_token_id": codec.bos, "eos_token_id": codec.eos, "mask_token_id": codec.mask}
    (new / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(work / "tokenizer" / name, new / name)
    if out.exists():
        # A rename cannot replace a folder that holds files.
        old = out.with_name(f"{out.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        new.rename(out)
        shutil.rmtree(old)
    else:
        new.rename(out)
    print(f"{out}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values()):,} parameters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    export(args.work, args.checkpoint, args.out)


if __name__ == "__main__":
    main()
