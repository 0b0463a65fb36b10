"""Pictures and sounds: always the same for one nonce, never for two."""

from __future__ import annotations

import io
import subprocess
import sys
import wave

import pytest
from PIL import Image

from challenge_web.picture import HEIGHT, WIDTH, SeededCaptcha, draw_picture
from challenge_web.sound import SeededSpeech, say_letters
from challenge_web.studio import Studio
from tests.unit.web.fakes import KEY

NONCES = [number.to_bytes(16, "big") for number in range(12)]


def test_picture_drawn_twice_has_the_same_octets() -> None:
    first, second = SeededCaptcha(), SeededCaptcha()
    for nonce in NONCES:
        assert draw_picture(first, KEY, nonce) == draw_picture(second, KEY, nonce)


def test_picture_in_another_process_has_the_same_octets() -> None:
    # Several processes may serve one site.
    code = (
        "import sys, hashlib; from challenge_web.picture import *; "
        "print(hashlib.sha256(draw_picture(SeededCaptcha(), b'k' * 32, bytes(16))).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1


def test_picture_of_another_nonce_or_key_differs() -> None:
    captcha = SeededCaptcha()
    drawn = {draw_picture(captcha, key, nonce) for key in (KEY, b"x" * 32) for nonce in NONCES}
    assert len(drawn) == 2 * len(NONCES)


def test_picture_is_a_small_png_with_strong_contrast() -> None:
    captcha = SeededCaptcha()
    for nonce in NONCES:
        octets = draw_picture(captcha, KEY, nonce)
        assert len(octets) < 30_000
        picture = Image.open(io.BytesIO(octets))
        assert picture.format == "PNG"
        assert picture.size == (WIDTH, HEIGHT)
        colours = [colour for _, colour in picture.convert("RGB").getcolors(WIDTH * HEIGHT) or []]
        light = sorted(map(luminance, colours))  # type: ignore[arg-type]
        assert (light[-1] + 0.05) / (light[0] + 0.05) > 7


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_picture_keeps_its_letters_off_the_edges() -> None:
    captcha = SeededCaptcha()
    for nonce in NONCES:
        mask = Image.open(io.BytesIO(draw_picture(captcha, KEY, nonce))).convert("L")
        paper = mask.getpixel((0, 0))
        for row in (0, HEIGHT - 1):
            assert {mask.getpixel((x, row)) for x in range(WIDTH)} == {paper}


@pytest.mark.parametrize("nonce", NONCES[:2])
def test_sound_said_twice_has_the_same_octets_and_is_a_wav_file(nonce: bytes) -> None:
    octets = say_letters(SeededSpeech(), KEY, nonce)
    assert octets == say_letters(SeededSpeech(), KEY, nonce)
    with wave.open(io.BytesIO(octets)) as sound:
        assert sound.getframerate() == 8000
        assert 5 < sound.getnframes() / 8000 < 30


async def test_studio_draws_in_threads_what_is_drawn_directly() -> None:
    studio = Studio(KEY)
    try:
        assert await studio.picture(NONCES[1]) == draw_picture(SeededCaptcha(), KEY, NONCES[1])
    finally:
        studio.close()
