"""Pictures of no thing, drawn by rule: textures to put behind things, and pages of text, charts and windows."""

import string

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise of several scales between two or three colours: [size, size, 3] float32."""
    out = np.zeros((size, size), np.float32)
    falloff = rng.uniform(0.35, 0.9)
    stretch = rng.choice([1, 1, 1, 3])
    for k in range(1, 7):
        cells = 2**k
        low = rng.normal(0, 1, (max(2, cells // stretch), cells)).astype(np.float32)
        out += falloff**k * np.asarray(Image.fromarray(low).resize((size, size), Image.BICUBIC))
    if rng.random() < 0.5:
        out = out.T
    out = (out - out.min()) / (np.ptp(out) + 1e-6)
    stops = rng.uniform(0, 255, (3, 3))
    # Most grounds in photographs are dull.
    stops = stops.mean(1, keepdims=True) + (stops - stops.mean(1, keepdims=True)) * rng.uniform(0.1, 1.0)
    middle = rng.uniform(0.3, 0.7)
    return np.stack([np.interp(out, [0, middle, 1], stops[:, c]) for c in range(3)], -1).astype(np.float32)


def _color(rng, pale: bool = False) -> tuple[int, int, int]:
    low, high = (205, 256) if pale else (0, 256)
    return tuple(int(x) for x in rng.integers(low, high, 3))


def _words(rng, count: int) -> str:
    letters = string.ascii_letters
    return " ".join("".join(letters[int(i)] for i in rng.integers(0, 52, int(rng.integers(1, 10)))) for _ in range(count))


def page(rng: np.random.Generator, size: int) -> np.ndarray:
    """[size, size, 3] uint8: text, a chart, a table or a window, at a random scale and crop."""
    side = int(size * rng.uniform(1.0, 2.5))
    dark = rng.random() < 0.25
    paper = _color(rng, pale=True) if not dark else tuple(int(x) for x in rng.integers(0, 60, 3))
    image = Image.new("RGB", (side, side), paper)
    draw = ImageDraw.Draw(image)
    ink = tuple(int(x) for x in (rng.integers(190, 256, 3) if dark else rng.integers(0, 90, 3)))
    (_text, _bars, _lines, _table, _window)[int(rng.integers(5))](draw, rng, side, ink)
    return np.asarray(image.resize((size, size), Image.BICUBIC))


def _text(draw, rng, side, ink, box=None):
    x0, y0, x1, y1 = box or (0, 0, side, side)
    font = ImageFont.load_default(size=int(rng.integers(8, 26)))
    step = int(font.size * rng.uniform(1.2, 1.9))
    for y in range(int(y0) + step // 2, int(y1) - step, step):
        if rng.random() < 0.1:
            continue
        text = _words(rng, int(rng.integers(2, 14)))
        while text and draw.textlength(text, font=font) > x1 - x0 - 10:
            text = text[:-4]
        draw.text((x0 + 5, y), text, fill=ink, font=font)


def _axes(draw, rng, side, ink):
    left, bottom = side * rng.uniform(0.05, 0.2), side * rng.uniform(0.8, 0.95)
    draw.line((left, side * 0.05, left, bottom), fill=ink, width=2)
    draw.line((left, bottom, side * 0.97, bottom), fill=ink, width=2)
    if rng.random() < 0.6:
        for y in np.linspace(side * 0.1, bottom, int(rng.integers(4, 9))):
            draw.line((left, y, side * 0.97, y), fill=(170, 170, 170))
            draw.text((2, y - 6), str(int(rng.integers(0, 200))), fill=ink)
    return left, bottom


def _bars(draw, rng, side, ink):
    left, bottom = _axes(draw, rng, side, ink)
    count = int(rng.integers(3, 14))
    width = (side * 0.95 - left) / count
    colors = [_color(rng) for _ in range(int(rng.integers(1, 4)))]
    for k in range(count):
        top = bottom - (bottom - side * 0.08) * rng.random()
        draw.rectangle((left + k * width + width * 0.15, top, left + (k + 0.85) * width, bottom), fill=colors[k % len(colors)])


def _lines(draw, rng, side, ink):
    left, bottom = _axes(draw, rng, side, ink)
    for _ in range(int(rng.integers(1, 5))):
        count = int(rng.integers(5, 60))
        y = np.cumsum(rng.normal(0, 1, count))
        y = bottom - (y - y.min()) / (np.ptp(y) + 1e-6) * (bottom - side * 0.08)
        points = list(zip(np.linspace(left, side * 0.95, count).tolist(), y.tolist()))
        color = _color(rng)
        if rng.random() < 0.7:
            draw.line(points, fill=color, width=int(rng.integers(1, 5)))
        else:
            for x, h in points:
                draw.ellipse((x - 4, h - 4, x + 4, h + 4), fill=color)


def _table(draw, rng, side, ink):
    rows, columns = int(rng.integers(3, 14)), int(rng.integers(2, 7))
    for r in range(rows):
        if r == 0 or rng.random() < 0.2:
            draw.rectangle((0, r * side / rows, side, (r + 1) * side / rows), fill=_color(rng, pale=True))
        for c in range(columns):
            text = _words(rng, 1) if rng.random() < 0.5 else str(int(rng.integers(0, 100000)))
            draw.text((c * side / columns + 4, (r + 0.3) * side / rows), text, fill=ink)
        draw.line((0, r * side / rows, side, r * side / rows), fill=ink)


def _window(draw, rng, side, ink):
    bar = side * rng.uniform(0.05, 0.12)
    draw.rectangle((0, 0, side, bar), fill=_color(rng))
    for k in range(int(rng.integers(0, 6))):
        draw.text((10 + k * side * 0.12, bar * 0.3), _words(rng, 1)[:7], fill=ink)
    split = side * rng.uniform(0.15, 0.4)
    draw.rectangle((0, bar, split, side), fill=_color(rng, pale=True))
    _text(draw, rng, side, ink, (0, bar, split, side))
    for _ in range(int(rng.integers(1, 7))):
        x, y = rng.uniform(split, side * 0.8), rng.uniform(bar, side * 0.85)
        box = (x, y, x + side * rng.uniform(0.1, 0.5), y + side * rng.uniform(0.04, 0.4))
        draw.rounded_rectangle(box, radius=int(rng.integers(0, 12)), fill=_color(rng, pale=rng.random() < 0.7), outline=ink)
        if rng.random() < 0.7:
            _text(draw, rng, side, ink, box)
