// Copies a sample. The buttons stay hidden in browsers without a clipboard API.

const status = document.querySelector("body > [role=status]");

for (const button of navigator.clipboard ? document.querySelectorAll(".copy") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.closest(".sample").querySelector("code").textContent);
    status.textContent = button.dataset.copied;
  });
}
