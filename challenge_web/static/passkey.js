// Passkeys: the form's question goes to the browser, its answer into the form.
// data-passkey="get" lets a key answer, data-passkey="create" makes one.

const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

function asked(question) {
  const options = JSON.parse(question);
  options.challenge = octets(options.challenge);
  if (options.user) options.user.id = octets(options.user.id);
  for (const list of [options.allowCredentials, options.excludeCredentials])
    for (const key of list || []) key.id = octets(key.id);
  return options;
}

function told(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (credential.response[name]) response[name] = text(credential.response[name]);
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const trouble = form.querySelector("[data-passkey-trouble]");
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    trouble.hidden = true;
    try {
      const publicKey = asked(form.dataset.question);
      const credential =
        form.dataset.passkey === "create"
          ? await navigator.credentials.create({ publicKey })
          : await navigator.credentials.get({ publicKey });
      form.elements.answer.value = told(credential);
      form.submit();
    } catch {
      trouble.hidden = false;
    }
  });
}
