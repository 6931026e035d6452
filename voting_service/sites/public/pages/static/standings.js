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

// The votes on both sides of the line; none before the first vote, or where everybody goes on.
function lineOf(votes, size) {
  const exists = votes.length > size && votes[0] > 0;
  return { exists, inside: exists ? votes[size - 1] : 0, outside: exists ? votes[size] : 0 };
}

function gap(votes, { exists, inside, outside }) {
  const { above, below, level } = table.dataset;
  if (!exists) return "";
  if (votes > outside) return above.replace("{votes}", figures.format(votes - outside));
  return votes < inside ? below.replace("{votes}", figures.format(inside - votes)) : level;
}

function gain(change) {
  if (typeof change !== "number") return "";
  const sign = change > 0 ? "+" : change < 0 ? "−" : "±";
  return table.dataset.change.replace("{votes}", sign + figures.format(Math.abs(change)));
}

function show(standings) {
  lastHeard = Date.now();
  if (standings.release !== table.dataset.release) reloadOnce();
  if (standings.release !== table.dataset.release || !standings.candidates) return;
  const rows = new Map(
    [...body.querySelectorAll("[data-number]")].map((row) => [Number(row.dataset.number), row]),
  );
  if (rows.size !== standings.candidates.length) return reloadOnce(); // somebody has withdrawn
  const size = Number(table.dataset.size);
  const votes = standings.candidates.map((candidate) => candidate.votes);
  const most = Math.max(1, votes[0]);
  const line = { ...lineOf(votes, size), row: body.querySelector(".line") };
  const order = [];
  standings.candidates.forEach((candidate, place) => {
    const row = rows.get(candidate.number);
    row.querySelector(".rank").textContent = candidate.rank || "–";
    row.querySelector("[data-votes]").textContent = figures.format(candidate.votes);
    row.querySelector("rect").setAttribute("width", Math.round((candidate.votes * 1000) / most));
    row.querySelector("path").setAttribute("d", `M${Math.round((line.inside * 1000) / most)} 0V10`);
    row.querySelector("[data-gap]").textContent = gap(candidate.votes, line);
    row.querySelector("[data-gain]").textContent = gain(candidate.change);
    order.push(row);
    if (line.row && place + 1 === size) order.push(line.row);
  });
  const isTied = line.inside === line.outside; // no line inside a tie
  if (line.row) line.row.hidden = isTied;
  table.classList.toggle("tied", isTied);
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
  if (!window.EventSource) {
    startPolling();
    return;
  }
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
