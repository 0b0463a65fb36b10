// Comfort for the pending page: keys, ranges of ticks, the undo's last seconds. All of it works without.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const OFF = "pending-keys-off";
  const PLACE = "pending-place";
  const LOOK_MS = 1_000;
  const MOST_FAILURES = 60;

  // What a browser keeps may be forbidden; then it is not kept.
  const kept = (store, name) => {
    try {
      return store.getItem(name);
    } catch {
      return null;
    }
  };
  const keep = (store, name, value) => {
    try {
      if (value === null) {
        store.removeItem(name);
      } else {
        store.setItem(name, value);
      }
    } catch {
      // Nothing depends on it.
    }
  };

  // --- orders: seconds left, how far it is ---

  function follow(note) {
    let seconds = Number(note.dataset.seconds);
    let failures = 0;
    const left = one("[data-left]", note);
    const timer = setInterval(async () => {
      seconds -= 1;
      if (left && seconds > 0) {
        left.textContent = left.dataset.left.replace("…", seconds);
        return;
      }
      try {
        const answer = await fetch(note.dataset.state, { headers: { Accept: "application/json" } });
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        show(note, await answer.json());
        failures = 0;
      } catch {
        failures += 1; // A telephone that changes its network has none for a while.
      }
      if (note.dataset.open === "false" || failures > MOST_FAILURES) {
        clearInterval(timer);
      }
    }, LOOK_MS);
  }

  function show(note, told) {
    one("[data-order-text]", note).textContent = told.text;
    one("[data-order-more]", note).textContent = told.more;
    note.dataset.open = String(told.open);
    all("[data-while-open]").forEach((place) => (place.hidden = !told.open));
    one("[data-left]", note)?.remove();
    const button = one("[data-undo]", note);
    if (button && told.button) {
      button.textContent = told.button;
    } else {
      button?.form.remove();
    }
    const bar = one("progress", note);
    if (!told.open) {
      bar?.remove();
      note.classList.replace("note--info", "note--done");
    } else if (bar) {
      bar.max = Math.max(told.most, 1);
      bar.value = told.done;
    }
  }

  all("[data-order][data-state]").forEach(follow);

  const form = document.getElementById("pending");
  if (!form) {
    return;
  }

  // --- ticks ---

  const rows = all(".list__row", form);
  const box = (row) => one('input[name="id"]:not(:disabled)', row);
  let lastTicked = -1;

  function range(from, to, checked) {
    for (let at = Math.min(from, to); at <= Math.max(from, to); at += 1) {
      const tick = box(rows[at]);
      if (tick) {
        tick.checked = checked;
        tick.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
  }

  form.addEventListener("click", (event) => {
    const tick = event.target.closest?.('input[name="id"]');
    if (!tick) {
      return;
    }
    const at = rows.indexOf(tick.closest(".list__row"));
    if (event.shiftKey && lastTicked >= 0 && lastTicked !== at) {
      range(lastTicked, at, tick.checked);
    }
    lastTicked = at;
  });

  for (const hidden of all("[data-tick-all-label], [data-ticked]")) {
    hidden.hidden = false;
  }

  // The bar takes room from the list only when there is something to do with it.
  const bar = one("[data-bar]");
  const bulk = one("[data-bulk]");

  function showBar() {
    if (bulk) {
      bulk.hidden = !ticked();
      bar.hidden = bulk.hidden && !one("[data-order]", bar);
    }
  }

  const ticked = () => all('input[name="id"]:checked, [data-all]:checked', form).length > 0;
  form.addEventListener("change", showBar);
  window.addEventListener("pageshow", showBar);
  showBar();

  // --- the place in the list ---

  const list = one("[data-rows]", form);
  let here = -1;

  function go(to) {
    if (to < 0 || to >= rows.length) {
      return;
    }
    rows[here]?.classList.remove("list__row--here");
    here = to;
    rows[here].classList.add("list__row--here");
    titleOf(rows[here]).focus({ preventScroll: true });
    rows[here].scrollIntoView({ block: "nearest" });
    rows[here].dispatchEvent(new CustomEvent("row-here", { bubbles: true }));
  }

  // Of the two links, the one for this width.
  const titleOf = (row) => all(".list__title", row).find((link) => link.offsetParent) || one(".list__title", row);

  list.addEventListener("focusin", (event) => {
    const at = rows.indexOf(event.target.closest(".list__row"));
    if (at >= 0 && at !== here) {
      rows[here]?.classList.remove("list__row--here");
      here = at;
      rows[here].classList.add("list__row--here");
    }
  });

  // What is read beside the list is where one is, also when the focus is in it.
  const preview = document.getElementById("preview");
  here = rows.findIndex((row) => row.dataset.id === preview?.dataset.id);

  document.addEventListener("submit", (event) => {
    const undoes = here >= 0 && one("[data-undo]", event.target); // What comes back stands where it stood.
    if (event.target === form || preview?.contains(event.target) || undoes) {
      keep(sessionStorage, PLACE, String(Math.max(here, 0)));
    }
  });
  const place = kept(sessionStorage, PLACE);
  const named = rows.findIndex((row) => `#${row.id}` === location.hash); // As after an action on the page of a mail.
  if (place !== null || named >= 0) {
    keep(sessionStorage, PLACE, null);
    const back = () => go(named >= 0 ? named : Math.min(Number(place) || 0, rows.length - 1));
    back();
    // Where the address names a row, the browser goes there after this, and takes the focus off.
    window.addEventListener("load", () => document.activeElement === document.body && back());
  }

  // --- keys ---

  const ACTIONS = { d: "deliver", a: "authorize", b: "blacklist", Delete: "delete" };
  const dialog = one("[data-keys]");
  const help = one("[data-help]");
  const off = one("[data-keys-off]");

  function act(action) {
    const button = ticked()
      ? one(`button[name="do"][value="${action}"]`)
      : rows[here] && one(`button[data-do="${action}"]`, rows[here]);
    if (button) {
      form.requestSubmit(button);
    }
  }

  const KEYS = {
    j: () => go(here + 1),
    k: () => go(here < 0 ? 0 : here - 1),
    x: (event) => {
      const tick = rows[here] && box(rows[here]);
      if (!tick) {
        return;
      }
      if (event.shiftKey && lastTicked >= 0) {
        range(lastTicked, here, true);
      } else {
        tick.checked = !tick.checked;
        tick.dispatchEvent(new Event("change", { bubbles: true }));
      }
      lastTicked = here;
    },
    u: () => one("[data-undo]")?.form.requestSubmit(),
    "/": () => document.getElementById("q").focus(),
    "?": () => dialog.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.open || kept(localStorage, OFF)) {
      return;
    }
    // With the focus in the list, beside it, or nowhere; never while somebody writes. In the dialog, which has just been
    // closed, it stays until the page is drawn again.
    const at = document.activeElement;
    if (at && at !== document.body && ![list, preview, dialog].some((part) => part?.contains(at))) {
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const known = KEYS[key] || (ACTIONS[key] && !event.shiftKey && (() => act(ACTIONS[key])));
    if (known) {
      event.preventDefault();
      known(event);
    }
  });

  help.hidden = false;
  help.addEventListener("click", () => dialog.showModal());
  off.checked = Boolean(kept(localStorage, OFF));
  off.addEventListener("change", () => keep(localStorage, OFF, off.checked ? "1" : null));
})();
