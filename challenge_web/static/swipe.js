// Swipes on the pending page, for fingers: right presses "Deliver once", left "Delete" of that mail. Both are buttons, too.
// Nothing is done before the finger is lifted, far enough to the side; whoever goes back, or up or down, stops it.
"use strict";

(() => {
  const form = document.getElementById("pending");
  if (!form || !window.PointerEvent) {
    return;
  }
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const OFF = "pending-swipes-off";
  const BEGIN = 12; // Pixels to the side, before a touch is a swipe.
  const EDGE = 24; // There the browser's own swipe begins: back to the page before.
  const SHARE = 0.35; // Of the row's width, from where on it counts.
  const LEAST = 96;
  const MOST = 200;
  const LEAN = 0.6; // Up or down, for each pixel to the side: more than that is no swipe.
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  const kept = () => {
    try {
      return Boolean(localStorage.getItem(OFF));
    } catch {
      return false;
    }
  };
  let off = kept();
  let swipe = null;
  let acting = false;

  const rows = all(".list__row", form).filter((row) => row.querySelector("[data-swipe]"));
  const button = (row, way) => row.querySelector(`[data-swipe="${way}"]`);
  const ready = () => rows.forEach((row) => row.classList.toggle("list__row--swipes", !off));

  function label(row, way) {
    const place = document.createElement("span");
    place.className = `swipe swipe--${way}`;
    place.setAttribute("aria-hidden", "true");
    place.append(document.createElement("b"));
    row.append(place);
    return place;
  }

  function start(event) {
    const row = event.target.closest?.(".list__row--swipes");
    const inside = event.clientX >= EDGE && event.clientX <= document.documentElement.clientWidth - EDGE;
    // A menu that is open, and a box, are for taps.
    if (swipe || !row || !inside || !event.isPrimary || event.target.closest(".more__in, input")) {
      drop();
      return;
    }
    swipe = { row, id: event.pointerId, x: event.clientX, y: event.clientY, way: "", label: null, armed: false };
  }

  function move(event) {
    if (!swipe || event.pointerId !== swipe.id) {
      return;
    }
    const x = event.clientX - swipe.x;
    const y = Math.abs(event.clientY - swipe.y);
    if (y > BEGIN && y > LEAN * Math.abs(x)) {
      drop();
      return;
    }
    if (Math.abs(x) >= BEGIN || swipe.label) {
      show(x);
    }
  }

  function show(x) {
    const way = x > 0 ? "right" : "left";
    const found = button(swipe.row, way);
    if (way !== swipe.way) {
      swipe.label?.remove();
      swipe.label = found && label(swipe.row, way);
      swipe.way = way;
    }
    const far = Math.min(MOST, Math.max(LEAST, SHARE * swipe.row.clientWidth));
    swipe.armed = Boolean(found) && Math.abs(x) >= far;
    swipe.row.classList.add("list__row--swiped");
    if (!found) {
      swipe.row.style.transform = "";
      return;
    }
    const words = found.textContent.trim();
    swipe.label.classList.toggle("swipe--armed", swipe.armed);
    swipe.label.firstChild.textContent = swipe.armed ? form.dataset.letGo.replace("…", words) : words;
    // Who wants no motion sees the words only.
    swipe.label.classList.toggle("swipe--still", still.matches);
    swipe.label.style.width = still.matches ? "" : `${Math.round(Math.abs(x))}px`;
    swipe.row.style.transform = still.matches ? "" : `translateX(${Math.round(x)}px)`;
  }

  function drop() {
    if (!swipe) {
      return;
    }
    swipe.label?.remove();
    swipe.row.classList.remove("list__row--swiped");
    swipe.row.style.transform = "";
    swipe = null;
  }

  function end(event) {
    if (!swipe || event.pointerId !== swipe.id) {
      return;
    }
    const { row, way, armed, label: shown } = swipe;
    if (!armed || acting) {
      if (shown) {
        noTap(row);
      }
      drop();
      return;
    }
    // It stays where it is until the list comes back without it.
    swipe = null;
    acting = true;
    noTap(row);
    form.requestSubmit(button(row, way));
  }

  function noTap(row) {
    const stop = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    row.addEventListener("click", stop, { capture: true });
    setTimeout(() => row.removeEventListener("click", stop, { capture: true }), 100);
  }

  form.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" && !off && !acting) {
      start(event);
    }
  });
  // A second finger means something else.
  document.addEventListener("pointerdown", (event) => swipe && event.pointerId !== swipe.id && drop());
  form.addEventListener("pointermove", move);
  form.addEventListener("pointerup", end);
  form.addEventListener("pointercancel", drop);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      acting = false;
      all(".swipe", form).forEach((place) => place.remove());
      rows.forEach((row) => {
        row.classList.remove("list__row--swiped");
        row.style.transform = "";
      });
    }
  });

  for (const hint of all("[data-swipes]")) {
    hint.hidden = rows.length === 0 || off;
  }
  const box = document.querySelector("[data-swipes-off]");
  box.checked = off;
  box.addEventListener("change", () => {
    off = box.checked;
    drop();
    ready();
    all("[data-swipes]").forEach((hint) => (hint.hidden = off));
    try {
      if (off) {
        localStorage.setItem(OFF, "1");
      } else {
        localStorage.removeItem(OFF);
      }
    } catch {
      // Then it holds for this page only.
    }
  });
  ready();
})();
