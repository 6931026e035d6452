// Handles a platform's link, /enter#platform=…&token=…: removes the fragment from the address and
// the history, then posts it as a form, like a platform's own page. A classic script in the oldest
// language: browsers that run nothing else of ours get in, too.

(function () {
  var form = document.querySelector("form");
  var wait = document.querySelector(".wait");
  var help = document.querySelector(".help");

  function decode(text) {
    try {
      return decodeURIComponent(text.replace(/\+/g, " "));
    } catch (_) {
      return text; // the server says what is wrong with it
    }
  }

  function enter() {
    var fields = {};
    location.hash.slice(1).split("&").forEach(function (pair) {
      var at = pair.indexOf("=");
      fields[pair.slice(0, at)] = decode(pair.slice(at + 1));
    });
    history.replaceState(null, "", location.pathname);
    if (!("token" in fields)) return;
    help.hidden = true;
    wait.textContent = wait.getAttribute("data-wait");
    form.textContent = "";
    ["platform", "token", "contest", "next", "language"].forEach(function (name) {
      if (!(name in fields)) return;
      var input = form.appendChild(document.createElement("input"));
      input.type = "hidden";
      input.name = name;
      input.value = fields[name];
    });
    form.submit();
  }

  window.addEventListener("hashchange", enter);
  enter();
})();
