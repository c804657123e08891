"""A line chart as a small SVG with a white ground, so that it can be read on dark pages too."""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 320
LEFT, TOP, RIGHT, BOTTOM = 54, 16, 130, 44
# Colours that people with a colour weakness tell apart (Okabe and Ito).
COLORS = {"diffusion": "#0072b2", "causal": "#d55e00", "blocks": "#009e73"}


@dataclass
class Line:
    name: str
    color: str  # a key of COLORS
    points: list[tuple[float, float, float, float]]  # x, and y with its interval


def chart(title: str, label: str, lines: list[Line]) -> str:
    """`x` on a logarithmic scale; `y` are shares, drawn as percent."""
    xs = [p[0] for line in lines for p in line.points]
    low, high = math.log(min(xs)), math.log(max(xs))
    top = math.ceil(max(p[3] for line in lines for p in line.points) * 10) / 10

    def x(value: float) -> float:
        return LEFT + (math.log(value) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - share / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for k in range(round(top * 10) + 1):
        parts.append(f'<path d="M{LEFT} {y(k / 10):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(k / 10) + 4:.1f}" text-anchor="end">{10 * k}%</text>')
    for value in ticks(min(xs), max(xs)):
        parts.append(f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:,}</text>')
    ends: list[float] = []
    for line in sorted(lines, key=lambda one: -one.points[-1][1]):
        color = COLORS[line.color]
        path = " ".join(f"{x(p[0]):.1f},{y(p[1]):.1f}" for p in line.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for at, mean, below, above in line.points:
            parts.append(f'<path d="M{x(at):.1f} {y(below):.1f}V{y(above):.1f}" stroke="{color}"/>')
            parts.append(f'<circle cx="{x(at):.1f}" cy="{y(mean):.1f}" r="3" fill="{color}"/>')
        # Names that would lie on each other move down.
        at = y(line.points[-1][1]) + 4
        while any(abs(at - other) < 14 for other in ends):
            at += 2
        ends.append(at)
        parts.append(f'<text x="{x(line.points[-1][0]) + 8:.1f}" y="{at:.1f}" fill="{color}">{line.name}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def ticks(low: float, high: float) -> list[int]:
    """Powers of two from 1 for small ranges, of four from 2,000 for the amounts of data."""
    start, factor = (1, 2) if high < 1000 else (2000, 4)
    values = [start * factor**k for k in range(12)]
    return [v for v in values if low * 0.99 <= v <= high * 1.01]
