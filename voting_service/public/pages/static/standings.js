// Moves the standings: server-sent events, and polling where those are blocked or fall silent.

const table = document.querySelector("[data-standings]");
const source = table.dataset.standings;
const body = table.querySelector("tbody");
const status = document.querySelector("[data-status]");
const language = table.dataset.language === "en" ? "en-GB" : "zh-CN";
const figures = new Intl.NumberFormat(language);
const times = new Intl.DateTimeFormat(language, {
  // Each part by itself: dateStyle and timeStyle are ignored before Safari 14.1.
  year: "numeric", month: "long", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZone: table.dataset.zone || "UTC",
});
const POLL_MS = 5000;
const SILENCE_MS = 40000; // the server says something at least every 15 seconds
const ANNOUNCE_MS = 15000;
const LISTEN_AGAIN_MS = 60000;
let lastHeard = Date.now();
let ballots = null;
let announcing = null;
let polling = null;
let reloading = null;

// Another release is another page. Not at once: a cache may have the old one for some seconds.
function reloadOnce() {
  reloading = reloading || setTimeout(() => location.reload(), 1000 + Math.random() * POLL_MS);
}

// Moves rows around the one that has the focus, since moving that one would lose it.
function arrange(order) {
  const focused = order.findIndex((row) => row.contains(document.activeElement));
  const still = Math.max(0, focused);
  for (let place = still - 1; place >= 0; place -= 1) {
    const next = order[place + 1];
    if (order[place].nextElementSibling !== next) next.before(order[place]);
  }
  for (let place = still + 1; place < order.length; place += 1) {
    const previous = order[place - 1];
    if (previous.nextElementSibling !== order[place]) previous.after(order[place]);
  }
}

function show(standings) {
  lastHeard = Date.now();
  if (standings.release !== table.dataset.release) reloadOnce();
  if (standings.release !== table.dataset.release || !standings.candidates) return;
  const rows = new Map(
    [...body.querySelectorAll("[data-number]")].map((row) => [Number(row.dataset.number), row]),
  );
  const line = body.querySelector(".line");
  const most = Math.max(1, standings.candidates[0].votes);
  const order = [];
  standings.candidates.forEach((candidate, place) => {
    const row = rows.get(candidate.number);
    row.querySelector(".rank").textContent = candidate.rank;
    row.querySelector("[data-votes]").textContent = figures.format(candidate.votes);
    row.querySelector("rect").setAttribute("width", Math.round((candidate.votes * 1000) / most));
    order.push(row);
    if (line && place + 1 === Number(table.dataset.size)) order.push(line);
  });
  arrange(order);
  document.querySelector("[data-ballots]").textContent = figures.format(standings.ballots);
  const asOf = document.querySelector("[data-as-of]");
  asOf.dateTime = standings.as_of;
  asOf.textContent = times.format(new Date(standings.as_of));
  if (ballots !== null && ballots !== standings.ballots) announceSoon();
  ballots = standings.ballots;
}

// Read aloud are the newest counts, now and then.
function announceSoon() {
  announcing = announcing || setTimeout(() => {
    announcing = null;
    status.textContent = status.dataset.moved.replace("{ballots}", figures.format(ballots));
  }, ANNOUNCE_MS);
}

async function poll() {
  try {
    const answer = await fetch(source);
    if (answer.ok) show(await answer.json());
  } catch {
    // the next round tries again
  }
}

// A server that goes away sends all its readers here at once: each begins at a moment of its own.
function startPolling() {
  if (polling !== null) return;
  polling = setTimeout(() => {
    poll();
    polling = setInterval(poll, POLL_MS);
  }, Math.random() * POLL_MS);
}

function stopPolling() {
  clearInterval(polling);
  polling = null;
}

function listen() {
  const events = new EventSource(`${source}/events`);
  events.addEventListener("standings", (event) => show(JSON.parse(event.data)));
  events.addEventListener("open", stopPolling);
  events.addEventListener("error", () => {
    startPolling();
    // After an answer that was no stream the browser gives up; after a lost one it tries itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, LISTEN_AGAIN_MS);
  });
}

listen();
setInterval(() => {
  if (polling === null && Date.now() - lastHeard > SILENCE_MS) poll();
}, POLL_MS);
