"""Draw the letters of a puzzle so that people read them easily and programs do not.

The drawing is a pure function of key and nonce: fetching a picture again gives the same octets, so nobody can average
the disturbance away. Measures against reading by program, found by attacking the package's own pictures: six letters
of 32 in several faces and weights, each turned and leaning by itself and touching its neighbours; one wave through
them all; one line along them in the same ink, nearly as wide; one cut through them in the colour of the paper.
"""

from __future__ import annotations

import colorsys
import hmac
import math
from io import BytesIO
from random import Random

from captcha.image import DEFAULT_FONTS, ImageCaptcha
from PIL import Image, ImageChops, ImageDraw, ImageFont

from challenge_web.puzzle import picture_answer

WIDTH, HEIGHT = 520, 170
"""In pixels; shown at half this size, so that it is sharp on every screen."""

_SIZES = (104, 112, 120)
_MARGIN = 16
_OVERLAP = 0.13
_CELL = 26
"""Side of the squares the wave is made of; WIDTH is a multiple."""
_CURVE_STEP = 8


class SeededCaptcha(ImageCaptcha):
    """The package's picture, made harder, with all chance taken from one generator.

    Letters and disturbances are drawn as one mask (white is ink), which is warped as a whole and coloured last.
    An instance keeps its fonts and may serve one thread at a time.
    """

    character_rotate = (-24, 24)

    def __init__(self) -> None:
        super().__init__(WIDTH, HEIGHT, list(DEFAULT_FONTS), _SIZES)
        self._faces: list[ImageFont.FreeTypeFont] = list(self.truefonts)
        for size in _SIZES:
            # Pillow's own face (Aileron, public domain): proportional, round, unlike the monospaced one.
            face = ImageFont.load_default(size * 0.95)
            if isinstance(face, ImageFont.FreeTypeFont):  # A Pillow without FreeType has only a bitmap face.
                self._faces.append(face)

    def draw(self, letters: str, chance: Random) -> bytes:
        """Return a PNG that shows the letters."""
        mask = self._write(letters, chance)
        middle = HEIGHT / 2 + chance.uniform(-8, 8)
        self._curve(mask, chance, middle, fill=255, width=6)
        mask = _wave(mask, chance)
        self._curve(mask, chance, middle + chance.choice((-1, 1)) * chance.uniform(12, 28), fill=0, width=4)
        return _png(mask, chance)

    def _write(self, letters: str, chance: Random) -> Image.Image:
        glyphs = [self._glyph(letter, chance) for letter in letters]
        gaps = [1 - _OVERLAP * chance.random() for _ in letters[1:]] + [1.0]
        room = WIDTH - 2 * _MARGIN
        total = sum(glyph.width * gap for glyph, gap in zip(glyphs, gaps, strict=True))
        if total > room:  # Wide letters become narrower, not closer: overlap is what makes them hard to read.
            glyphs = [glyph.resize((round(glyph.width * room / total), glyph.height)) for glyph in glyphs]
        at = _MARGIN + chance.uniform(0.2, 0.8) * max(0.0, room - total)
        mask = Image.new("L", (WIDTH, HEIGHT))
        for glyph, gap in zip(glyphs, gaps, strict=True):
            top = (HEIGHT - glyph.height) / 2 + chance.uniform(-18, 18)
            layer = Image.new("L", (WIDTH, HEIGHT))
            layer.paste(glyph, (round(at), round(top)))
            mask = ImageChops.lighter(mask, layer)
            at += glyph.width * gap
        return mask

    def _glyph(self, letter: str, chance: Random) -> Image.Image:
        face = chance.choice(self._faces)
        weight = chance.choice((1, 2, 3))
        left, top, right, bottom = face.getbbox(letter, stroke_width=weight)
        width, height = math.ceil(right - left), math.ceil(bottom - top)
        upright = Image.new("L", (width, height))
        ImageDraw.Draw(upright).text((-left, -top), letter, font=face, fill=255, stroke_width=weight)
        turn = math.radians(chance.uniform(*self.character_rotate))
        lean, stretch = chance.uniform(-0.18, 0.18), chance.uniform(0.9, 1.15)
        # Target point → source point, about the middle: turned, leaning, stretched.
        a, b = math.cos(turn) / stretch, math.sin(turn) / stretch + lean
        d, e = -math.sin(turn), math.cos(turn)
        wide = math.ceil((width * abs(e) + height * (abs(b) + 0.05)) * stretch) + 2
        high = math.ceil(height * abs(e) + width * abs(d)) + 4
        c = width / 2 - a * wide / 2 - b * high / 2
        f = height / 2 - d * wide / 2 - e * high / 2
        turned = upright.transform((wide, high), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC)
        return turned.crop(turned.getbbox())

    @staticmethod
    def _curve(mask: Image.Image, chance: Random, middle: float, *, fill: int, width: int) -> None:
        swing, length, shift = chance.uniform(10, 22), chance.uniform(180, 340), chance.uniform(0, math.tau)
        tilt = chance.uniform(-0.05, 0.05)
        points = [
            (x, middle + tilt * (x - WIDTH / 2) + swing * math.sin(math.tau * x / length + shift))
            for x in range(-_CURVE_STEP, WIDTH + 2 * _CURVE_STEP, _CURVE_STEP)
        ]
        ImageDraw.Draw(mask).line(points, fill=fill, width=width, joint="curve")


def _wave(mask: Image.Image, chance: Random) -> Image.Image:
    """Bend the whole mask by two sine waves."""
    high, low = chance.uniform(9, 13), chance.uniform(4, 7)
    long, short = chance.uniform(170, 260), chance.uniform(90, 140)
    p, q = chance.uniform(0, math.tau), chance.uniform(0, math.tau)

    def source(x: int, y: int) -> tuple[float, float]:
        return x + low * math.sin(math.tau * y / short + q), y + high * math.sin(math.tau * x / long + p)

    mesh = []
    for x in range(0, WIDTH, _CELL):
        for y in range(0, HEIGHT, _CELL):
            x2, y2 = min(x + _CELL, WIDTH), min(y + _CELL, HEIGHT)
            corners = (*source(x, y), *source(x, y2), *source(x2, y2), *source(x2, y))
            mesh.append(((x, y, x2, y2), corners))
    return mask.transform((WIDTH, HEIGHT), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _png(mask: Image.Image, chance: Random) -> bytes:
    """Colour the mask: dark ink on light paper, at least 9 to 1, in a hue of its own."""
    hue = chance.random()
    ink = colorsys.hls_to_rgb(hue, chance.uniform(0.14, 0.22), 0.6)
    paper = colorsys.hls_to_rgb(hue, chance.uniform(0.94, 0.97), 0.5)
    palette: list[int] = []
    for level in range(256):
        part = level / 255
        palette += [round(255 * (p + (i - p) * part)) for i, p in zip(ink, paper, strict=True)]
    picture = mask.copy()
    picture.putpalette(palette)
    out = BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()


def draw_picture(captcha: SeededCaptcha, key: bytes, nonce: bytes) -> bytes:
    """Return the PNG of the picture puzzle with this nonce: the same octets at each call."""
    seed = hmac.digest(key, b"drawing " + nonce, "sha256")
    # The generator is not secret-proof, but all that is seen of it is a drawing, and its seed is a MAC.
    return captcha.draw(picture_answer(key, nonce), Random(seed))  # noqa: S311 drawn from a MAC
