// Says that an upload is on its way, and lets nobody send it twice. Without scripts the browser shows
// its own progress.

for (const form of document.querySelectorAll("form[data-uploading]")) {
  const button = form.querySelector("button");
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  form.append(words);
  form.addEventListener("submit", () => {
    button.disabled = true;
    words.textContent = form.dataset.uploading;
  });
  addEventListener("pageshow", () => {
    button.disabled = false;
    words.textContent = "";
  });
}
