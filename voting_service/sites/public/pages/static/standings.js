// Updates the standings by server-sent events, or by polling if those are blocked or silent.

const table = document.querySelector("[data-standings]");
const source = table.dataset.standings;
const body = table.querySelector("tbody");
const status = document.querySelector("[data-status]");
const language = table.dataset.language === "en" ? "en-GB" : "zh-CN";
const figures = new Intl.NumberFormat(language);
const times = new Intl.DateTimeFormat(language, {
  // Separate options, because Safari before 14.1 ignores dateStyle and timeStyle.
  year: "numeric", month: "long", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZone: table.dataset.zone || "UTC",
});
const POLL_MS = 5000;
const SILENCE_MS = 40000; // the server sends at least a comment every 15 seconds
const ANNOUNCE_MS = 15000;
const LISTEN_AGAIN_MS = 60000;
let lastHeard = Date.now();
let ballots = null;
let announcing = null;
let polling = null;
let reloading = null;
let events = null;

// Reloads when the release changes; with a delay, because caches may keep the old page for seconds.
function reloadOnce() {
  reloading = reloading || setTimeout(() => location.reload(), 1000 + Math.random() * POLL_MS);
}

// Sorts the rows without moving the focused one, which would lose the focus.
function arrange(order) {
  const focused = order.findIndex((row) => row.contains(document.activeElement));
  const fixed = Math.max(0, focused);
  for (let place = fixed - 1; place >= 0; place -= 1) {
    const next = order[place + 1];
    if (order[place].nextElementSibling !== next) next.before(order[place]);
  }
  for (let place = fixed + 1; place < order.length; place += 1) {
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
  const first = standings.candidates[0].votes;
  const most = Math.max(1, first);
  const size = Number(table.dataset.size);
  const order = [];
  standings.candidates.forEach((candidate, place) => {
    const row = rows.get(candidate.number);
    row.querySelector(".rank").textContent = first ? candidate.rank : "–";
    row.querySelector("[data-votes]").textContent = figures.format(candidate.votes);
    row.querySelector("rect").setAttribute("width", Math.round((candidate.votes * 1000) / most));
    order.push(row);
    if (line && place + 1 === size) order.push(line);
  });
  const [last, next] = standings.candidates.slice(size - 1, size + 1);
  if (line) line.hidden = last.votes === next.votes; // no line inside a tie
  arrange(order);
  document.querySelector("[data-ballots]").textContent = figures.format(standings.ballots);
  const asOf = document.querySelector("[data-as-of]");
  asOf.dateTime = standings.as_of;
  asOf.textContent = times.format(new Date(standings.as_of));
  if (ballots !== null && ballots !== standings.ballots) announceSoon();
  ballots = standings.ballots;
}

// Announces the newest counts to screen readers, at most once per ANNOUNCE_MS.
function announceSoon() {
  announcing = announcing || setTimeout(() => {
    announcing = null;
    status.textContent = status.dataset.updated.replace("{ballots}", figures.format(ballots));
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

// After a server stops, all its readers poll: a random delay spreads their requests.
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

// A page that nobody looks at needs no stream: browsers allow six connections to a site, and tabs
// in the background would take them from the tab in which somebody votes.
function listen() {
  if (events || document.hidden) return;
  events = new EventSource(`${source}/events`);
  events.addEventListener("standings", (event) => show(JSON.parse(event.data)));
  events.addEventListener("open", stopPolling);
  events.addEventListener("error", () => {
    startPolling();
    // Browsers reconnect to a lost stream, but not after a response that was no stream.
    if (!events || events.readyState !== EventSource.CLOSED) return;
    events = null;
    setTimeout(listen, LISTEN_AGAIN_MS);
  });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    if (Date.now() - lastHeard > POLL_MS) poll();
    listen();
    return;
  }
  stopPolling();
  if (events) events.close();
  events = null;
});

listen();
setInterval(() => {
  if (!document.hidden && polling === null && Date.now() - lastHeard > SILENCE_MS) poll();
}, POLL_MS);
