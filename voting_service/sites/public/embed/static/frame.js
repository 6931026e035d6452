// Inside a platform's page: sends the page the frame's height and the reader's choices, after a
// hello message from an origin registered for the platform. Other pages receive nothing.

const origins = document.body.dataset.origins.split(" ");
let host = null;
let takesChoices = false;

function send(message) {
  if (host) parent.postMessage(message, host);
}

function sendHeight() {
  send({ type: "public-vote:height", height: Math.ceil(document.body.getBoundingClientRect().height) });
}

addEventListener("message", (event) => {
  if (parent === window || event.source !== parent || !origins.includes(event.origin)) return;
  if (!event.data || event.data.type !== "public-vote:hello") return;
  host = event.origin;
  takesChoices = event.data.takesChoices === true;
  sendHeight();
});

document.addEventListener("public-vote-choose", (event) => {
  const { contest, number, next } = event.detail;
  send({ type: "public-vote:choose", contest, number, next });
  if (host && takesChoices) event.preventDefault();
});

if (window.ResizeObserver) {
  new ResizeObserver(sendHeight).observe(document.body);
} else {
  for (const moment of ["resize", "load"]) addEventListener(moment, sendHeight);
  document.addEventListener("load", sendHeight, true); // load events of pictures do not bubble
  new MutationObserver(sendHeight).observe(document.body, { childList: true, subtree: true });
}
