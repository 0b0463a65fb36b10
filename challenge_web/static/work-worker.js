// Tries counters from `start` in steps of `step` until one solves the proof of work (docs/challenge-page.md).
"use strict";

const AT_ONCE = 4; // Tries under way together: hides the cost of each call.
const REPORT = 48; // Tries between two reports.

self.onmessage = async (message) => {
  const { puzzle, bits, iterations, start, step } = message.data;
  const encoder = new TextEncoder();
  const rule = { name: "PBKDF2", hash: "SHA-256", salt: encoder.encode(puzzle), iterations };

  async function solves(counter) {
    const key = await crypto.subtle.importKey("raw", encoder.encode(String(counter)), "PBKDF2", false, ["deriveBits"]);
    const digest = await crypto.subtle.deriveBits(rule, key, 256);
    return new DataView(digest).getUint32(0) >>> (32 - bits) === 0;
  }

  try {
    for (let counter = start, tries = 0; ; ) {
      const counters = [];
      for (let i = 0; i < AT_ONCE; i += 1, counter += step) {
        counters.push(counter);
      }
      const found = await Promise.all(counters.map(solves));
      const index = found.indexOf(true);
      if (index >= 0) {
        self.postMessage({ answer: counters[index] });
        return;
      }
      tries += AT_ONCE;
      if (tries % REPORT === 0) {
        self.postMessage({ tries: REPORT });
      }
    }
  } catch (error) {
    self.postMessage({ failed: true });
  }
};
