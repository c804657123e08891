"""A small model of LLaDA-V's shape; `state_dict()` has the tensor names of the reference checkpoint."""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    vocab_size: int
    image_size: int = 96
    patch_size: int = 16
    vision_hidden: int = 128
    vision_layers: int = 5
    vision_heads: int = 4
    vision_mlp: int = 512
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    mlp: int = 384
    rope_theta: float = 500000.0
    rms_norm_eps: float = 1e-5

    @property
    def patches(self) -> int:
        return (self.image_size // self.patch_size) ** 2

    def to_dict(self) -> dict:
        return asdict(self)


def attention(q, k, v, mask=None):
    """[batch, heads, length, head_dim]; `mask` is True where a key may be seen.

    Written out: at these lengths the fused kernel takes two to four times as long on a CPU.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1).to(v.dtype) @ v


def split_heads(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


class VisionAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x):
        q, k, v = (split_heads(p(x), self.heads) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(attention(q, k, v).transpose(1, 2).flatten(2))


class VisionMlp(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, inner), nn.Linear(inner, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class VisionLayer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(c.vision_hidden, eps=1e-6)
        self.self_attn = VisionAttention(c.vision_hidden, c.vision_heads)
        self.layer_norm2 = nn.LayerNorm(c.vision_hidden, eps=1e-6)
        self.mlp = VisionMlp(c.vision_hidden, c.vision_mlp)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class VisionEmbeddings(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.patch_embedding = nn.Conv2d(3, c.vision_hidden, c.patch_size, c.patch_size)
        self.position_embedding = nn.Embedding(c.patches, c.vision_hidden)

    def forward(self, pixels):
        return self.patch_embedding(pixels).flatten(2).transpose(1, 2) + self.position_embedding.weight


class VisionEncoder(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.layers = nn.ModuleList(VisionLayer(c) for _ in range(c.vision_layers))


class VisionModel(nn.Module):
    """SigLIP's shape. The feature is the residual stream after the last layer, without post_layernorm."""

    def __init__(self, c: Config):
        super().__init__()
        self.embeddings = VisionEmbeddings(c)
        self.encoder = VisionEncoder(c)
        self.post_layernorm = nn.LayerNorm(c.vision_hidden, eps=1e-6)

    def forward(self, pixels):
        x = self.embeddings(pixels)
        for layer in self.encoder.layers:
            x = layer(x)
        return x


class RMSNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)).to(x.dtype) * self.weight


def gather_rows(x, rows):
    return x.gather(1, rows.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def angles_of(rows, angles):
    """Of cosines or sines [length, dim], or [batch, 1, length, dim] where each sequence has positions of its own."""
    return angles[rows].unsqueeze(1) if angles.ndim == 2 else angles.take_along_dim(rows[:, None, :, None], 2)


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Attention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.heads = c.heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(c.hidden, c.hidden, bias=False) for _ in range(4))

    def forward(self, x, cos, sin, mask, rows=None):
        query = x if rows is None else gather_rows(x, rows)
        q, k, v = (split_heads(p(y), self.heads) for p, y in ((self.q_proj, query), (self.k_proj, x), (self.v_proj, x)))
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        k = rotate(k, cos, sin)
        q = rotate(q, cos, sin) if rows is None else rotate(q, angles_of(rows, cos), angles_of(rows, sin))
        return self.o_proj(attention(q, k, v, mask).transpose(1, 2).flatten(2))


class SwiGLU(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden, c.mlp, bias=False)
        self.up_proj = nn.Linear(c.hidden, c.mlp, bias=False)
        self.down_proj = nn.Linear(c.mlp, c.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.input_layernorm = RMSNorm(c.hidden, c.rms_norm_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RMSNorm(c.hidden, c.rms_norm_eps)
        self.mlp = SwiGLU(c)

    def forward(self, x, cos, sin, mask, rows=None):
        """With `rows` [batch, count] only those positions are computed; every position is still a key."""
        attended = self.self_attn(self.input_layernorm(x), cos, sin, mask, rows)
        x = (x if rows is None else gather_rows(x, rows)) + attended
        return x + self.mlp(self.post_attention_layernorm(x))


class VisionTower(nn.Module):
    """Two levels of nesting that exist only in the reference's tensor names."""

    def __init__(self, c: Config):
        super().__init__()
        self.vision_tower = nn.Module()
        self.vision_tower.vision_model = VisionModel(c)

    def forward(self, pixels):
        return self.vision_tower.vision_model(pixels)


class MultimodalModel(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden)
        self.layers = nn.ModuleList(DecoderLayer(c) for _ in range(c.layers))
        self.norm = RMSNorm(c.hidden, c.rms_norm_eps)
        self.image_newline = nn.Parameter(torch.randn(c.hidden) * 0.02)
        self.mm_projector = nn.Sequential(nn.Linear(c.vision_hidden, c.hidden), nn.GELU(), nn.Linear(c.hidden, c.hidden))
        self.vision_tower = VisionTower(c)


class LlavaLLaDA(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.config = c
        self.model = MultimodalModel(c)
        self.lm_head = nn.Linear(c.hidden, c.vocab_size, bias=False)
        # Raw residual features are badly conditioned, so training standardises them per channel.
        # `fold_standardisation` moves both constants into the projector before export.
        self.register_buffer("feature_mean", torch.zeros(c.vision_hidden))
        self.register_buffer("feature_std", torch.ones(c.vision_hidden))
        self.apply(self._init)
        for layer in self.model.layers:
            for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * c.layers))

    @staticmethod
    def _init(module):
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=min(0.05, module.in_features**-0.5))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def features(self, pixels):
        return self.model.vision_tower(pixels)

    def project(self, features):
        """Patch features to the vectors that enter the language tower: P patches, then one newline."""
        standard = (features.float() - self.feature_mean) / self.feature_std
        vectors = self.model.mm_projector(standard)
        newline = self.model.image_newline.to(vectors.dtype).expand(vectors.shape[0], 1, -1)
        return torch.cat((vectors, newline), 1)

    def language(self, embeddings, rows, mask=None):
        """Hidden states after the final norm at positions `rows` [batch, count]; `lm_head` makes logits of them."""
        c = self.config
        dim = c.hidden // c.heads
        device = embeddings.device
        inverse = c.rope_theta ** (-torch.arange(0, dim, 2, device=device, dtype=torch.float32) / dim)
        angle = torch.outer(torch.arange(embeddings.shape[1], device=device, dtype=torch.float32), inverse)
        angle = torch.cat((angle, angle), -1)
        cos, sin = angle.cos(), angle.sin()
        if mask is not None:
            mask = mask[:, None, None, :]
        x = embeddings
        for layer in self.model.layers[:-1]:
            x = layer(x, cos, sin, mask)
        return self.model.norm(self.model.layers[-1](x, cos, sin, mask, rows))

    def embed(self, before, visual, after):
        """[ids before the picture] + visual vectors + [ids after it], as one sequence of vectors."""
        table = self.model.embed_tokens
        return torch.cat((table(before).to(visual.dtype), visual, table(after).to(visual.dtype)), 1)

    @torch.no_grad()
    def fold_standardisation(self):
        first = self.model.mm_projector[0]
        weight, bias = first.weight.double(), first.bias.double()
        scaled = weight / self.feature_std.double()
        first.bias.copy_(bias - scaled @ self.feature_mean.double())
        first.weight.copy_(scaled)
        self.feature_mean.zero_()
        self.feature_std.fill_(1)
