// Shows what stands in <noscript> in browsers that run scripts but not our modules: those below the
// floor (docs/browsers.md), and those that a module did not reach. Scripts of other origins do not
// count: pages work without them. In the oldest language.

(function () {
  var ran = false;
  var failed = false;

  function isOurs(address) {
    return String(address).indexOf(location.protocol + "//" + location.host + "/") === 0;
  }

  document.addEventListener("load", function (event) {
    if (event.target.type === "module" && isOurs(event.target.src)) ran = true;
  }, true);

  window.addEventListener("error", function (event) {
    var isScript = event.target.tagName === "SCRIPT";
    var address = isScript ? event.target.src : event.filename;
    if ((isScript || /SyntaxError/.test(event.message)) && isOurs(address)) failed = true;
  }, true);

  window.addEventListener("load", function () {
    var hidden = document.body.querySelectorAll("noscript");
    if (!document.querySelector("script[type=module]") || (ran && !failed)) return;
    for (var i = 0; i < hidden.length; i += 1) hidden[i].outerHTML = hidden[i].textContent;
  });
})();
