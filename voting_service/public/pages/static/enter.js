// A platform's link: /enter#platform=…&token=…. The fragment leaves the address and the history
// before anything else happens, then goes by form post, as from a platform's own page.

const form = document.querySelector("form");
const wait = document.querySelector(".wait");

function enter() {
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (!given.has("token")) return;
  for (const help of document.querySelectorAll(".help")) help.hidden = true;
  wait.textContent = wait.dataset.wait;
  form.textContent = "";
  form.append(
    ...["platform", "token", "contest", "next", "language"]
      .filter((name) => given.has(name))
      .map((name) => Object.assign(document.createElement("input"), { type: "hidden", name, value: given.get(name) })),
  );
  form.submit();
}

window.addEventListener("hashchange", enter);
enter();
