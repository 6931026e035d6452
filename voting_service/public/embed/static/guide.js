// Copies a sample. Where the clipboard is closed to us the buttons stay away.

const status = document.querySelector("body > [role=status]");

for (const button of navigator.clipboard ? document.querySelectorAll(".copy") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    status.textContent = button.dataset.copied;
  });
}
