// The page of a file that is being read goes on by itself: it moves its bar, and gives way to what the file would do.
"use strict";

(() => {
  const bar = document.querySelector("[data-reading] progress");

  function later(seconds) {
    setTimeout(look, seconds * 1_000);
  }

  async function look() {
    let page;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      later(5); // The way to the service is broken for now.
      return;
    }
    const now = page.querySelector("[data-reading] progress");
    if (now) {
      bar.max = now.max;
      if (now.hasAttribute("value")) {
        bar.value = now.value;
      }
      later(1);
      return;
    }
    // Taken from this answer: asked for once more, the file would be read once more.
    const main = page.querySelector("main");
    document.title = page.title;
    document.querySelector("main").replaceWith(main);
    main.focus({ preventScroll: true });
  }

  document.querySelector("[data-while-reading]").hidden = true;
  later(0.5);
})();
