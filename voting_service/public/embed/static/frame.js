// Inside a platform's page: tells it how high we are and what its reader chose, once it has said
// hello from an origin that is registered for it. Others hear nothing from us.

const origins = document.body.dataset.origins.split(" ");
let host = null;
let takesChoices = false;

function tell(message) {
  if (host) parent.postMessage(message, host);
}

function tellHeight() {
  tell({ type: "bayu-vote:height", height: Math.ceil(document.body.getBoundingClientRect().height) });
}

addEventListener("message", (event) => {
  if (parent === window || event.source !== parent || !origins.includes(event.origin)) return;
  if (!event.data || event.data.type !== "bayu-vote:hello") return;
  host = event.origin;
  takesChoices = event.data.takesChoices === true;
  tellHeight();
});

document.addEventListener("bayu-vote-choose", (event) => {
  const { contest, number, next } = event.detail;
  tell({ type: "bayu-vote:choose", contest, number, next });
  if (host && takesChoices) event.preventDefault();
});

if (window.ResizeObserver) {
  new ResizeObserver(tellHeight).observe(document.body);
} else {
  for (const moment of ["resize", "load"]) addEventListener(moment, tellHeight);
  document.addEventListener("load", tellHeight, true); // pictures, which do not bubble
  new MutationObserver(tellHeight).observe(document.body, { childList: true, subtree: true });
}
