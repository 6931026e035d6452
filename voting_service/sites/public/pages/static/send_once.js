// Sends a form once per page view. A second post would be harmless but confusing.

for (const button of document.querySelectorAll("[data-once]")) {
  let sent = false;
  let pressed = null; // for browsers without event.submitter
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
