// Handles a platform's link, /enter#platform=…&token=…: removes the fragment from the address and
// the history, then posts it as a form, like a platform's own page.

const form = document.querySelector("form");
const wait = document.querySelector(".wait");

function enter() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (!parameters.has("token")) return;
  for (const help of document.querySelectorAll(".help")) help.hidden = true;
  wait.textContent = wait.dataset.wait;
  form.textContent = "";
  form.append(
    ...["platform", "token", "contest", "next", "language"]
      .filter((name) => parameters.has(name))
      .map((name) => Object.assign(document.createElement("input"), { type: "hidden", name, value: parameters.get(name) })),
  );
  form.submit();
}

window.addEventListener("hashchange", enter);
enter();
