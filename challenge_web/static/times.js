// Shows times in the reader's own zone; without it they are in UTC, and say so.
"use strict";

(() => {
  const page = document.documentElement.lang;
  // English as the reader's own country writes it.
  const language = navigator.languages.find((own) => own.split("-")[0] === page) || page;
  const form = new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
  });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) {
      time.title = time.textContent;
      time.textContent = form.format(at);
    }
  }
})();
