// One press of a button that casts is one post; a second one would be harmless, but confusing.

for (const button of document.querySelectorAll("[data-once]")) {
  let sent = false;
  let pressed = null; // for browsers that do not say who submits
  button.form.addEventListener("click", (event) => {
    pressed = event.target.closest("button") || pressed;
  });
  button.form.addEventListener("submit", (event) => {
    if ((event.submitter || pressed) !== button) return;
    if (sent) event.preventDefault();
    sent = true;
    button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    sent = false;
    button.removeAttribute("aria-disabled");
  });
}
