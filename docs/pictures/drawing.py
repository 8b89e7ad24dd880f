"""Marks, lines and words of the pictures, as SVG. It knows no schedule.

Colours are told apart by those who see few of them, and marks differ in shape as well. A picture
has a white ground of its own, so that it is legible on a dark page too, and takes the reader's
fonts. Coordinates have one decimal: every machine writes the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from html import escape

WIDTH, LEFT, RIGHT, TOP, FOOT = 820, 200, 784, 84, 66
"""Of a picture; where its marks begin and end, and what is below them. All lengths are pixels."""

INK, PALE, FAINT, GROUND = "#1b1f24", "#5c6670", "#c3cad2", "#e7eaee"
FIRED, LATE, NOT_FIRED = "#0b62b0", "#c74a00", "#8a929b"
GRACE = "#cfe3f5"
HATCHED = "url(#hatch)"
FONT = 'font-family="sans-serif" font-size="13"'

Mark = Callable[[float, float], str]
"""What is drawn at a point."""


def dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="{FIRED}"/>'


def ring(x: float, y: float) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="#fff" '
        f'stroke="{NOT_FIRED}" stroke-width="2"/>'
    )


def diamond(x: float, y: float) -> str:
    return f'<path d="M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z" fill="{LATE}"/>'


def cross(x: float, y: float) -> str:
    return (
        f'<path d="M{x - 4.5:.1f} {y - 4.5:.1f}l9 9m0 -9l-9 9" '
        f'stroke="{NOT_FIRED}" stroke-width="2.5"/>'
    )


def arrow(x: float, to_x: float, y: float) -> str:
    """From left to right."""
    return (
        f'<path d="M{x:.1f} {y:.1f}H{to_x:.1f}m-4 -4l4 4l-4 4" '
        f'fill="none" stroke="{LATE}" stroke-width="1.5"/>'
    )


def line(x: float, y: float, to_x: float, to_y: float, colour: str = PALE) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{colour}"/>'


def box(x: float, y: float, to_x: float, to_y: float, fill: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{to_x - x:.1f}" height="{to_y - y:.1f}" '
        f'fill="{fill}"/>'
    )


def words(
    x: float, y: float, text: str, anchor: str = "start", colour: str = INK, more: str = ""
) -> str:
    """``more`` are further attributes."""
    attributes = f'text-anchor="{anchor}" fill="{colour}"' + (more and f" {more}")
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'


def legend(y: float, meanings: Sequence[tuple[Mark, str]]) -> list[str]:
    """Each mark with what it means, in a row."""
    x, parts = 26.0, []
    for mark, meaning in meanings:
        parts += [mark(x, y), words(x + 14, y + 5, meaning)]
        # Room for the widest of usual fonts.
        x += 46 + 7 * len(meaning)
    return parts


def picture(title: str, height: float, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height:g}"'
    hatch = (
        '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="8" height="8" fill="#fdf1e8"/>'
        '<path d="M0 0V8" stroke="#f0b88f" stroke-width="2"/></pattern></defs>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" {size} {FONT}>',
        f"<title>{escape(title)}</title>",
        hatch,
        f'<rect {size} rx="8" fill="#fff"/>',
        words(20, 30, title, more='font-size="15" font-weight="bold"'),
    )
    return "\n".join((*head, *parts, "</svg>", ""))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def each(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """The ticks of an axis."""
    while begin <= end:
        yield begin
        begin += step
