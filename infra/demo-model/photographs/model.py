"""Projector and masked-diffusion language tower over evidence tokens; `state_dict()` has the reference's tensor names."""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn

from model import Config as IconConfig
from model import DecoderLayer, LlavaLLaDA, RMSNorm

from .evidence import FEATURES, KNOWN


@dataclass
class Config:
    vocab_size: int
    features: int = FEATURES
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    mlp: int = 384
    rope_theta: float = 500000.0
    rms_norm_eps: float = 1e-5

    def to_dict(self) -> dict:
        return asdict(self)

    def decoder(self) -> IconConfig:
        return IconConfig(
            self.vocab_size, hidden=self.hidden, layers=self.layers, heads=self.heads, mlp=self.mlp,
            rope_theta=self.rope_theta, rms_norm_eps=self.rms_norm_eps,
        )  # fmt: skip


class Inner(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden)
        self.layers = nn.ModuleList(DecoderLayer(c.decoder()) for _ in range(c.layers))
        self.norm = RMSNorm(c.hidden, c.rms_norm_eps)
        self.image_newline = nn.Parameter(torch.randn(c.hidden) * 0.02)
        self.mm_projector = nn.Sequential(nn.Linear(c.features, c.hidden), nn.GELU(), nn.Linear(c.hidden, c.hidden))


class Model(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.config = c
        self.model = Inner(c)
        self.lm_head = nn.Linear(c.hidden, c.vocab_size, bias=False)
        self.apply(LlavaLLaDA._init)
        for layer in self.model.layers:
            for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * c.layers))

    @torch.no_grad()
    def tie_names(self, words: torch.Tensor, gain: float = 4.0) -> None:
        """Evidence for a thing enters as the embedding of its name, before anything is learnt."""
        first, _, second = self.model.mm_projector
        table = self.model.embed_tokens.weight
        table[words] = nn.functional.normalize(torch.randn(KNOWN, table.shape[1]), dim=-1) * 0.3
        first.weight.zero_()
        first.bias.zero_()
        first.weight[:KNOWN, :KNOWN] = gain * torch.eye(KNOWN)
        rest = first.weight[KNOWN:, KNOWN:]
        rest.copy_(torch.randn_like(rest) * rest.shape[1] ** -0.5)
        # The logarithm is larger than the rest; colour and place are read more often, and started too small to be learnt early.
        first.weight[KNOWN:, KNOWN + 2] *= 0.1
        first.weight[KNOWN:, [*range(KNOWN + 4, KNOWN + 7), KNOWN + 10, KNOWN + 11]] *= 3
        second.weight[:, :KNOWN] = table[words].T / gain
        second.weight[:, KNOWN:] = torch.randn_like(second.weight[:, KNOWN:]) * 0.05
        second.bias.zero_()

    def project(self, tokens):
        """[n, 50, features] to what enters the language tower: [n, 51, hidden], the newline last."""
        vectors = self.model.mm_projector(tokens)
        newline = self.model.image_newline.to(vectors.dtype).expand(vectors.shape[0], 1, -1)
        return torch.cat((vectors, newline), 1)

    language = LlavaLLaDA.language
