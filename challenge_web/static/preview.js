// The preview beside the list follows the place in it without a new page. Without this each title is a link to that page.
"use strict";

(() => {
  const pane = document.getElementById("preview");
  const list = document.querySelector("[data-rows]");
  if (!pane || !list) {
    return;
  }
  const wide = window.matchMedia("(min-width: 68.75rem)");
  const WAIT_MS = 120; // Who runs along the list with j does not ask for each mail on the way.
  let timer = 0;
  let asked = null;

  // The way to it without script: here Enter goes there.
  document.querySelector("[data-to-preview]")?.remove();

  async function show(row, enter) {
    clearTimeout(timer);
    asked?.abort();
    if (pane.dataset.id !== row.dataset.id) {
      const link = row.querySelector("a.wide-only");
      const own = new URL(row.querySelector("a.narrow-only").href);
      own.pathname += "/preview";
      asked = new AbortController();
      pane.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(own, { headers: { Accept: "text/html" }, signal: asked.signal });
        if (!answer.ok || answer.redirected) {
          throw new Error(String(answer.status));
        }
        put(row, link, new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview"));
      } catch (fault) {
        if (fault.name !== "AbortError") {
          location.assign(link.href); // Its page tells what is the matter.
        }
        return;
      }
    }
    if (enter) {
      pane.focus();
    }
  }

  function put(row, link, fresh) {
    pane.replaceChildren(...fresh.childNodes);
    pane.dataset.id = row.dataset.id;
    pane.scrollTop = 0;
    pane.removeAttribute("aria-busy");
    for (const old of list.querySelectorAll("[aria-current]")) {
      old.removeAttribute("aria-current");
    }
    row.setAttribute("aria-current", "true");
    row.classList.remove("list__row--new");
    document.querySelector("[data-mail]").value = row.dataset.id;
    history.replaceState(history.state, "", link.href);
  }

  list.addEventListener("row-here", (event) => {
    if (wide.matches) {
      clearTimeout(timer);
      timer = setTimeout(() => show(event.target, false), WAIT_MS);
    }
  });

  list.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.wide-only");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey && event.button === 0) {
      event.preventDefault();
      show(link.closest(".list__row"), event.detail === 0); // 0: by key.
    }
  });
})();
