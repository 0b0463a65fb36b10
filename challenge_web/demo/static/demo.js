// The story goes on by itself: asks how far it has come and exchanges only the steps that changed.
// Without this script the page works too; then one looks again by hand.
"use strict";

(() => {
  const QUICK = 600;
  const SLOW = 2500;
  const QUICK_TRIES = 100;

  const form = document.querySelector("[data-form]");
  if (form) {
    preparePeople(form);
  }
  const story = document.querySelector("[data-status]");
  if (story) {
    follow(story);
  }

  // Another stranger has other things to say; what a person typed stays.
  function preparePeople(form) {
    const subject = form.elements.namedItem("subject");
    const text = form.elements.namedItem("text");
    let typed = false;
    for (const field of [subject, text]) {
      field.addEventListener("input", () => { typed = true; });
    }
    form.addEventListener("change", (event) => {
      const choice = event.target;
      if (choice.name === "person" && !typed) {
        subject.value = choice.dataset.subject;
        text.value = choice.dataset.text;
      }
    });
    form.addEventListener("submit", () => {
      const button = form.querySelector("button");
      button.disabled = true;
      button.textContent = "Sending…";
    });
    // Coming back with the browser's own button shows the page as it was left.
    window.addEventListener("pageshow", () => {
      const button = form.querySelector("button");
      button.disabled = false;
      button.textContent = "Send by SMTP";
    });
  }

  function follow(story) {
    const list = story.querySelector("[data-steps]");
    const live = document.querySelector("[data-live]");
    const next = live.querySelector("a");
    const shown = [];
    let tries = 0;
    let timer = 0;

    async function look() {
      timer = 0;
      let finished = false;
      try {
        const answer = await fetch(story.dataset.status, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const told = await answer.json();
          show(told.steps);
          finished = told.finished;
        } else {
          finished = answer.status === 404;
        }
      } catch {
        next.textContent = "the demo does not answer";
      }
      tries += 1;
      if (!finished && !document.hidden) {
        timer = window.setTimeout(look, tries < QUICK_TRIES ? QUICK : SLOW);
      }
    }

    function show(steps) {
      const first = shown.length === 0;
      steps.forEach((step, index) => {
        if (shown[index] === step.html) {
          return;
        }
        shown[index] = step.html;
        const item = parse(step.html);
        const before = list.children[index];
        if (first && before && before.dataset.key === step.key && before.classList.contains(`step--${step.progress}`)) {
          return;
        }
        if (before) {
          keepOpen(before, item);
          before.replaceWith(item);
        } else {
          list.append(item);
        }
        item.classList.add("step--fresh");
      });
      while (list.children.length > steps.length) {
        list.lastElementChild.remove();
      }
      shown.length = steps.length;
      const now = steps.find((step) => step.progress === "now") || steps[steps.length - 1];
      if (now && next.textContent !== now.title) {
        next.textContent = now.title;
        next.hash = `step-${now.key}`;
      }
    }

    function parse(html) {
      const holder = document.createElement("template");
      holder.innerHTML = html.trim();
      return holder.content.firstElementChild;
    }

    function keepOpen(before, after) {
      for (const fold of before.querySelectorAll("details[open][data-name]")) {
        const same = after.querySelector(`details[data-name="${fold.dataset.name}"]`);
        if (same) {
          same.open = true;
        }
      }
    }

    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !timer && !("finished" in story.dataset)) {
        tries = 0;
        look();
      }
    });
    if (!("finished" in story.dataset)) {
      look();
    }
  }
})();
