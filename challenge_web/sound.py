"""Say the letters of a puzzle. Weaker than the picture: one voice reads each letter always the same way.

As with the picture, the sound is a pure function of key and nonce. Making one takes a large part of a second of
processor time, so it belongs into a process of its own.
"""

from __future__ import annotations

import hmac
from random import Random

from captcha.audio import (
    BEEP,
    END_BEEP,
    SILENCE,
    WAVE_SAMPLE_RATE,
    AudioCaptcha,
    change_sound,
    change_speed,
    mix_wave,
    patch_wave_header,
)

from challenge_web.puzzle import picture_answer


class SeededSpeech(AudioCaptcha):
    """The package's speech, with all chance taken from one generator."""

    def __init__(self) -> None:
        super().__init__()
        self._choices = [name for name in sorted(self.choices) if name.isalnum()]
        self.load()

    def say(self, letters: str, chance: Random) -> bytes:
        """Return a WAV file (8 kHz, 8 bit, mono) of 10 to 20 seconds."""
        spoken = [self._voice(letter, chance) for letter in letters]
        pauses = [chance.randrange(WAVE_SAMPLE_RATE, 2 * WAVE_SAMPLE_RATE) for _ in letters]
        body = self._murmur(sum(map(len, spoken)) + sum(pauses) + WAVE_SAMPLE_RATE, chance)
        at = WAVE_SAMPLE_RATE // 2
        for voice, pause in zip(spoken, pauses, strict=True):
            end = at + len(voice)
            body[at:end] = mix_wave(voice, body[at:end])
            at = end + pause
        return bytes(patch_wave_header(BEEP + SILENCE + BEEP + SILENCE + BEEP + body + END_BEEP))

    def _voice(self, letter: str, chance: Random) -> bytearray:
        voice = change_speed(chance.choice(self._cache[letter]), chance.uniform(0.9, 1.2))
        return change_sound(voice, chance.uniform(0.8, 1.2))

    def _murmur(self, length: int, chance: Random) -> bytearray:
        """Hiss, and letters said backwards, softly."""
        hiss = bytes(126 + octet % 4 for octet in range(256))
        body = bytearray(chance.randbytes(length).translate(hiss))
        at = 0
        while at < length:
            voice = chance.choice(self._cache[chance.choice(self._choices)])[::-1]
            voice = change_sound(change_speed(voice, chance.uniform(0.8, 1.6)), chance.uniform(0.15, 0.4))
            voice = voice[: length - at]
            body[at : at + len(voice)] = mix_wave(voice, body[at : at + len(voice)])
            at += len(voice) + chance.randrange(WAVE_SAMPLE_RATE // 10)
        return body


def say_letters(speech: SeededSpeech, key: bytes, nonce: bytes) -> bytes:
    """Return the WAV file for the picture puzzle with this nonce: the same octets at each call."""
    seed = hmac.digest(key, b"saying " + nonce, "sha256")
    return speech.say(picture_answer(key, nonce), Random(seed))  # noqa: S311 (as for the picture)
