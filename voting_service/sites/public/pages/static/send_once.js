// Sends a form once per page view, and says that it is on its way. A second post would be harmless
// but confusing.

for (const button of document.querySelectorAll("[data-once]")) {
  const label = button.textContent;
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
    button.textContent = button.dataset.sending || label;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  });
}
