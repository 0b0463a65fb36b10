// "Let my device do it": does the proof of work in the background, then sends the form. Without it the page works as well.
"use strict";

(() => {
  const form = document.getElementById("work");
  const place = document.getElementById("device");
  if (!form || !place || !window.Worker || !window.crypto || !crypto.subtle) {
    return;
  }
  const button = form.querySelector("button");
  const bar = form.querySelector("progress");
  const words = form.querySelector("[role=status]");
  const bits = Number(form.dataset.bits);
  const iterations = Number(form.dataset.iterations);
  let workers = [];
  let tries = 0;
  let almost = false;

  function say(what) {
    words.textContent = what ? form.dataset[what] : "";
  }

  function stop() {
    workers.forEach((worker) => worker.terminate());
    workers = [];
    bar.hidden = true;
    button.textContent = form.dataset.start;
    form.removeAttribute("aria-busy");
  }

  function heard(message) {
    if (workers.length === 0) {
      return;
    }
    const { answer, tries: more, failed } = message.data;
    if (failed) {
      stop();
      say("failed");
    } else if (answer === undefined) {
      tries += more;
      // The chance to be done by now: it slows down near the end, but never goes back or waits at 100 %.
      bar.value = 1 - Math.exp(-tries / 2 ** bits);
      if (!almost && bar.value > 0.8) {
        almost = true;
        say("almost");
      }
    } else {
      workers.forEach((worker) => worker.terminate());
      workers = [];
      bar.value = 1;
      button.disabled = true;
      say("done");
      form.elements.answer.value = answer;
      form.submit();
    }
  }

  function begin() {
    const count = Math.max(1, Math.min(4, navigator.hardwareConcurrency || 1));
    tries = 0;
    almost = false;
    bar.value = 0;
    bar.hidden = false;
    button.textContent = form.dataset.stop;
    form.setAttribute("aria-busy", "true");
    say("working");
    for (let start = 0; start < count; start += 1) {
      const worker = new Worker(form.dataset.worker);
      worker.onmessage = heard;
      worker.onerror = () => heard({ data: { failed: true } });
      workers.push(worker);
      worker.postMessage({ puzzle: form.elements.puzzle.value, bits, iterations, start, step: count });
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (workers.length > 0) {
      stop();
      say("");
    } else {
      begin();
    }
  });

  // A page that comes back out of the browser's memory starts afresh.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      stop();
      button.disabled = false;
      say("");
    }
  });

  place.hidden = false;
})();
