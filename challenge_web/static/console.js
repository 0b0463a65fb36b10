// Comfort for the console's pages; each of them works without.
//   data-ask="Delete 3 mails?"   on a button or a form: asks before it is sent
//   data-copy="id"               on a hidden button: shows itself, and copies that element's text or value
//   data-tick-all="name"         on a hidden checkbox or its hidden label: ticks all boxes of that name in its form or page
//   data-tick-count="name"       is told how many of them are ticked
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- times: how long ago, or how long still ---

  const UNITS = [
    ["year", 31_557_600],
    ["month", 2_629_800],
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];

  function relative(seconds, format) {
    for (const [unit, size] of UNITS) {
      if (Math.abs(seconds) >= size) {
        return format.format(Math.trunc(seconds / size), unit);
      }
    }
    return format.format(Math.trunc(seconds), "second");
  }

  function sayHowLong() {
    const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
    for (const time of all("time[datetime]")) {
      const at = Date.parse(time.dateTime);
      if (!Number.isNaN(at)) {
        const whole = time.title || time.textContent;
        time.title = `${whole} (${relative((at - Date.now()) / 1000, format)})`;
      }
    }
  }

  // --- forms: ask before, send once ---

  const AGAIN_MS = 5_000; // A form whose answer is a file leaves the page as it is.

  function sendOnce(form, button) {
    // Not at once: a button that is disabled is not sent with its form.
    setTimeout(() => {
      button.disabled = true;
      form.setAttribute("aria-busy", "true");
    });
    setTimeout(() => release(form, button), AGAIN_MS);
  }

  function release(form, button) {
    button.disabled = false;
    form.removeAttribute("aria-busy");
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const question = button?.dataset.ask || form.dataset.ask;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      return;
    }
    const stays = button?.formTarget || form.target; // The answer goes to a frame or another window.
    if (button && form.method === "post" && !stays && !event.defaultPrevented) {
      sendOnce(form, button);
    }
  });

  // Back to a page that the browser kept: its buttons are good again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      for (const form of all("form[aria-busy]")) {
        all("button:disabled", form).forEach((button) => release(form, button));
      }
    }
  });

  // --- what an action led to ---

  // A new page's status is not read out, for it was there from the start; it is said once more where only ears find it.
  function sayAloud() {
    const words = all("main [role=status], main [role=alert]").map((note) => note.textContent.trim());
    if (words.length > 0) {
      const place = document.createElement("div");
      place.className = "unseen";
      place.setAttribute("role", "status");
      document.body.append(place);
      setTimeout(() => (place.textContent = words.join(" ")), 500);
      setTimeout(() => place.remove(), 10_000);
    }
  }

  function leadToTheFault() {
    document.querySelector("main [aria-invalid=true]")?.focus();
  }

  // --- copy ---

  function showCopyButtons() {
    if (!navigator.clipboard) {
      return;
    }
    for (const button of all("[data-copy]")) {
      const source = document.getElementById(button.dataset.copy);
      if (source) {
        const words = button.textContent;
        button.hidden = false;
        button.setAttribute("aria-live", "polite");
        button.addEventListener("click", async () => {
          try {
            await navigator.clipboard.writeText(source.value ?? source.innerText.trim());
            button.textContent = button.dataset.copied;
          } catch {
            button.textContent = button.dataset.failed;
          }
          setTimeout(() => (button.textContent = words), 2_000);
        });
      }
    }
  }

  // --- tick all ---

  function tickAll(master) {
    const name = master.dataset.tickAll;
    const root = master.form || document;
    const boxes = () => all('input[type="checkbox"]', document).filter(
      (box) => box.name === name && box !== master && (root === document || box.form === root),
    );
    const look = () => {
      const found = boxes();
      const ticked = found.filter((box) => box.checked).length;
      master.checked = ticked > 0 && ticked === found.length;
      master.indeterminate = ticked > 0 && ticked < found.length;
      for (const place of all("[data-tick-count]").filter((one) => one.dataset.tickCount === name)) {
        place.textContent = String(ticked);
      }
    };
    master.hidden = false;
    master.closest("label")?.removeAttribute("hidden");
    master.addEventListener("change", () => {
      const state = master.checked;
      boxes().forEach((box) => (box.checked = state));
      look();
    });
    document.addEventListener("change", (event) => {
      if (event.target.name === name) {
        look();
      }
    });
    look();
  }

  // --- what opens above the page closes again ---

  function close(one) {
    const inside = one.contains(document.activeElement);
    one.open = false;
    if (inside) {
      one.querySelector("summary")?.focus();
    }
  }

  document.addEventListener("click", (event) => {
    all("details.more[open]").filter((one) => !one.contains(event.target)).forEach((one) => (one.open = false));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      all("details.more[open]").forEach(close);
    }
  });

  sayHowLong();
  sayAloud();
  leadToTheFault();
  showCopyButtons();
  all("[data-tick-all]").forEach(tickAll);
})();
