// Moves the standings: server-sent events, and polling where those are blocked or fall silent.

const table = document.querySelector("[data-standings]");
const source = table.dataset.standings;
const body = table.querySelector("tbody");
const status = document.querySelector("[data-status]");
const language = table.dataset.language === "en" ? "en-GB" : "zh-CN";
const figures = new Intl.NumberFormat(language);
const times = new Intl.DateTimeFormat(language, {
  dateStyle: "long",
  timeStyle: "medium",
  timeZone: table.dataset.zone ?? "UTC",
});
const POLL_MS = 5000;
const SILENCE_MS = 40000; // the server says something at least every 15 seconds
const ANNOUNCE_MS = 30000;
let lastHeard = Date.now();
let lastAnnounced = 0;
let polling = null;

function show(standings) {
  lastHeard = Date.now();
  if (standings.release !== table.dataset.release || !standings.candidates) {
    if (standings.release !== table.dataset.release) location.reload();
    return;
  }
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
  // Only rows out of place are moved: moving the one that has the focus would lose it.
  order.forEach((row, place) => {
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
  });
  document.querySelector("[data-ballots]").textContent = figures.format(standings.ballots);
  const asOf = document.querySelector("[data-as-of]");
  asOf.dateTime = standings.as_of;
  asOf.textContent = times.format(new Date(standings.as_of));
  if (Date.now() - lastAnnounced > ANNOUNCE_MS) {
    lastAnnounced = Date.now();
    status.textContent = status.dataset.moved.replace(
      "{ballots}",
      figures.format(standings.ballots),
    );
  }
}

async function poll() {
  try {
    const answer = await fetch(source);
    if (answer.ok) show(await answer.json());
  } catch {
    // the next round tries again
  }
}

function startPolling() {
  events.close();
  polling ??= setInterval(poll, POLL_MS);
}

const events = new EventSource(`${source}/events`);
events.addEventListener("standings", (event) => show(JSON.parse(event.data)));
let failures = 0;
events.addEventListener("open", () => (failures = 0));
events.addEventListener("error", () => {
  failures += 1;
  if (events.readyState === EventSource.CLOSED || failures >= 3) startPolling();
});
setInterval(() => {
  if (polling === null && Date.now() - lastHeard > SILENCE_MS) poll();
}, POLL_MS);
