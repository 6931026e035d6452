// Saves a form while somebody types and says truthfully what is saved and what is not: without a
// connection it tries again, after the session it offers the sign-in and goes on afterwards, after a
// change in another window it stops. What was typed stays in the page and nowhere else: it is about
// people, and the browser may be shared. (The server keeps what it refused, for the same account.)
//
// The form has these data attributes: saved (with {moment}), lost, signedOut, conflict.

const PAUSE_MS = 900;
const FIRST_RETRY_MS = 4000;
const LAST_RETRY_MS = 60000;

export function autosave(form, { address, body, onSaved }) {
  const status = document.querySelector("[data-save-status]");
  const signIn = document.querySelector("[data-sign-in]");
  let dirty = false;
  let failed = false; // the last try was in vain
  let stopped = false;
  let leaving = false;
  let saving = null;
  let timer = 0;
  let wait = FIRST_RETRY_MS;
  let refused = false; // the server keeps what it refused until it hears that this was saved

  function say(text, offersSignIn) {
    status.textContent = text;
    signIn.hidden = !offersSignIn;
    status.parentNode.classList.toggle("warning", failed);
  }

  function fields() {
    const data = body();
    if (refused) data.append("kept", "yes");
    return data;
  }

  function post(keepalive) {
    return fetch(address, {
      method: "POST", body: fields(), headers: { accept: "application/json" }, keepalive,
    });
  }

  function saved(facts) {
    failed = false;
    refused = false;
    wait = FIRST_RETRY_MS;
    say(form.dataset.saved.replace("{moment}", facts.saved_at), false);
    for (const notice of document.querySelectorAll("[data-kept]")) notice.hidden = true;
    onSaved(facts);
  }

  function notSaved(text, offersSignIn) {
    dirty = true;
    failed = true;
    say(text, offersSignIn);
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(save, wait);
    wait = Math.min(2 * wait, LAST_RETRY_MS);
  }

  async function send(keepalive) {
    dirty = false;
    try {
      const answer = await post(keepalive);
      if (answer.ok) {
        saved(await answer.json());
      } else if (answer.status === 401 || answer.status === 403) {
        refused = true;
        notSaved(form.dataset.signedOut, true);
      } else if (answer.status === 409) {
        stopped = true;
        const facts = await answer.json();
        notSaved(facts.refused || form.dataset.conflict, false);
      } else {
        notSaved(form.dataset.lost, false);
      }
    } catch {
      notSaved(form.dataset.lost, false);
    }
  }

  function save() {
    clearTimeout(timer);
    if (stopped || leaving || !dirty) return;
    saving = (saving || Promise.resolve()).then(() => send(false)).finally(() => { saving = null; });
  }

  function typed() {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE_MS);
  }

  // Remembered for browsers without event.submitter. Enter presses a button too, and a button of the
  // form may stand outside it.
  let pressed = null;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.form === form) pressed = button;
  });

  // Without a connection the browser would leave the page for one that says so. And a save under way
  // returns a newer version: wait for it, or this form conflicts with itself.
  form.addEventListener("submit", (event) => {
    if (navigator.onLine === false) {
      event.preventDefault();
      notSaved(form.dataset.lost, false);
      return;
    }
    leaving = true;
    clearTimeout(timer);
    if (!saving) return;
    event.preventDefault();
    const button = event.submitter || pressed;
    saving.finally(() => button.click()); // requestSubmit is missing before Safari 16
  });

  addEventListener("beforeunload", (event) => {
    if (!dirty || !failed || leaving) return;
    event.preventDefault();
    event.returnValue = "";
  });

  addEventListener("pagehide", () => {
    if (!dirty || stopped || saving || leaving) return;
    if ("keepalive" in Request.prototype) send(true);
    else navigator.sendBeacon(address, fields()); // Firefox before 133
  });

  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("focus", save);
  addEventListener("online", save);
  document.addEventListener("visibilitychange", save);

  return { typed };
}
