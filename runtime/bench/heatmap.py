"""Draws ratios as a heat map, the same picture as SVG and as PNG."""
import math
from xml.sax.saxutils import escape

CELL = 36, 17  # width and height
LABEL, GAP, HEAD = 120, 16, 42
FEWEST = 6  # columns that a title has room above
SIZE = 11  # of text, in pixels
SCALE = 2  # pixels of the PNG for one of the SVG
LIMIT = 4  # ratios of this and more, or its reciprocal and less, have the deepest colour
LOW, MIDDLE, HIGH = (200, 60, 40), (250, 250, 245), (40, 110, 180)


def colour(ratio):
    """Returns the colour of a ratio: white for 1, red below, blue above."""
    t = max(-1, min(1, math.log(ratio) / math.log(LIMIT)))
    return tuple(round(m + abs(t) * (e - m)) for m, e in zip(MIDDLE, HIGH if t > 0 else LOW))


class Picture:
    """Boxes and text, in pixels from the upper left."""

    def __init__(self):
        self.boxes, self.texts = [], []

    def box(self, x, y, width, height, fill):
        self.boxes.append((x, y, width, height, fill))

    def text(self, x, y, text, anchor="middle", bold=False, fill=(20, 20, 20)):
        """Writes text whose middle is at height y; anchor says what x is: its start, middle or end."""
        self.texts.append((x, y, text, anchor, bold, fill))

    def size(self):
        return (math.ceil(max(x + w for x, y, w, h, f in self.boxes)) + GAP,
                math.ceil(max(y + h for x, y, w, h, f in self.boxes)) + GAP)

    def svg(self, path):
        width, height = self.size()
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="DejaVu Sans, sans-serif" font-size="{SIZE}">',
               f'<rect width="{width}" height="{height}" fill="white"/>']
        for x, y, w, h, fill in self.boxes:
            out.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="rgb{fill}"/>')
        for x, y, text, anchor, bold, fill in self.texts:
            weight = ' font-weight="bold"' if bold else ""
            out.append(f'<text x="{x}" y="{y + SIZE * 0.36:.1f}" text-anchor="{anchor}"{weight} fill="rgb{fill}">{escape(text)}</text>')
        with open(path, "w", encoding="utf8") as f:
            f.write("\n".join(out) + "\n</svg>\n")

    def png(self, path):
        from PIL import Image, ImageDraw, ImageFont
        width, height = self.size()
        image = Image.new("RGB", (width * SCALE, height * SCALE), "white")
        draw = ImageDraw.Draw(image)
        fonts = {bold: ImageFont.truetype("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf", SIZE * SCALE) for bold in (False, True)}
        for x, y, w, h, fill in self.boxes:
            draw.rectangle([x * SCALE, y * SCALE, (x + w) * SCALE - 1, (y + h) * SCALE - 1], fill=fill)
        for x, y, text, anchor, bold, fill in self.texts:
            draw.text((x * SCALE, y * SCALE), text, fill=fill, font=fonts[bold], anchor={"start": "l", "middle": "m", "end": "r"}[anchor] + "m")
        image.quantize(64).save(path, optimize=True)


def panel(picture, left, top, title, axis, kinds, columns, ratios):
    """Draws one panel: ratios by (kind, column), kinds from above, columns from the left. Returns its size.

    The first panel of a row has an axis, which says what columns are, and the names of the kinds.
    """
    x0 = left + (LABEL if axis else 0)
    if axis:
        picture.text(x0 - 6, top + 30, axis, "end")
    picture.text(x0, top + 10, title, "start", bold=True)
    for c, column in enumerate(columns):
        picture.text(x0 + (c + 0.5) * CELL[0], top + 30, str(column))
    for r, kind in enumerate(kinds):
        y = top + HEAD + r * CELL[1]
        if axis:
            picture.text(x0 - 6, y + CELL[1] / 2, kind, "end")
        for c, column in enumerate(columns):
            x = x0 + c * CELL[0]
            ratio = ratios.get((kind, column))
            if ratio is None:
                picture.box(x, y, CELL[0] - 1, CELL[1] - 1, (238, 238, 238))
                continue
            fill = colour(ratio)
            picture.box(x, y, CELL[0] - 1, CELL[1] - 1, fill)
            dark = sum(fill) < 380
            picture.text(x + CELL[0] / 2 - 0.5, y + CELL[1] / 2 - 0.5, f"{ratio:.2f}" if ratio < 9.95 else f"{ratio:.0f}", fill=(255, 255, 255) if dark else (20, 20, 20))
    return x0 - left + max(len(columns), FEWEST) * CELL[0], HEAD + len(kinds) * CELL[1]
