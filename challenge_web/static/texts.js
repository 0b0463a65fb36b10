// While one types, the preview follows. Without script the button Preview does the same.
"use strict";
for (const form of document.querySelectorAll("form[data-preview]")) {
  const button = form.querySelector("button[formtarget]");
  let timer = 0;
  const show = () => form.requestSubmit(button);
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 500);
  });
  show();
}
