// Has the browser make a passkey, or sign with one, and sends what it answers with the form. Browsers
// without passkeys show neither button: password and code work everywhere.

const status = document.getElementById("passkey-status");

function toBytes(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function toText(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// The answer as WebAuthn's toJSON() gives it, which older browsers lack.
function toJson(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
}

async function loadOptions(path, method) {
  const body = method === "POST" ? new URLSearchParams({ for: "sign-in" }) : undefined;
  const answer = await fetch(path, { method, body, headers: { accept: "application/json" } });
  if (answer.status === 401 || answer.status === 403) {
    location.assign(`/confirm?next=${location.pathname}`);
    throw new Error(String(answer.status));
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const options = await answer.json();
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  for (const known of [...(options.excludeCredentials || []), ...(options.allowCredentials || [])]) known.id = toBytes(known.id);
  return options;
}

async function fillIn(form, failed, ask) {
  status.textContent = "";
  try {
    form.elements.passkey.value = toJson(await ask());
    form.submit();
  } catch {
    status.textContent = failed;
  }
}

const adding = document.getElementById("add-passkey");
const button = document.getElementById("use-passkey");

if (window.PublicKeyCredential && adding) {
  adding.hidden = false;
  adding.addEventListener("submit", (event) => {
    event.preventDefault();
    fillIn(adding, adding.dataset.failed, async () => {
      const publicKey = await loadOptions("/account/passkeys/options", "GET");
      return navigator.credentials.create({ publicKey });
    });
  });
}

if (window.PublicKeyCredential && button) {
  const form = button.form; // at the sign-in beside the password, to confirm the identity instead of it
  button.hidden = false;
  button.addEventListener("click", () => {
    const fields = ["name", "password"].map((name) => form.elements[name]).filter(Boolean);
    if (fields.find((field) => !field.reportValidity())) return;
    fillIn(form, button.dataset.failed, async () => {
      const publicKey = await loadOptions("/sign-in/passkey", "POST");
      return navigator.credentials.get({ publicKey });
    });
  });
}
