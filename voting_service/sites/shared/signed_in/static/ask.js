// Brings the question of ask.html into view when it opens: on a small screen it would be below.

document.addEventListener("toggle", ({ target }) => {
  if (!target.matches("details.ask[open]")) return;
  target.querySelector(".card").scrollIntoView({ block: "nearest" });
}, true);
