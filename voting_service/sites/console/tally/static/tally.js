// Keeps the tally's page up to date: every two seconds while somebody looks at it and has not
// paused it. Rows move only when ranks change, and the focus stays where it was.

const EVERY_MS = 2000;
const SLOW_CHARTS_EVERY = 15; // ticks: the hours, platforms and candidates move slowly

const live = document.querySelector("[data-live]");
const number = new Intl.NumberFormat(document.documentElement.lang);
const places = JSON.parse(document.querySelector("[data-places]").dataset.places);
const failed = live.querySelector("[data-failed]");
const pause = live.querySelector("[data-pause]");
const words = JSON.parse(pause.dataset.words);
let paused = false;
let busy = false;
let ticks = 0;

function write(row, name, text) {
  const cell = row.querySelector(`[data-figure="${name}"]`);
  const place = cell.querySelector("strong") || cell;
  if (place.textContent !== text) place.textContent = text;
}

function writeCounted(row, counted) {
  for (const state of ["gross", "held", "void", "net"]) write(row, state, number.format(counted[state]));
}

const percent = (value) => `${value.toFixed(2)}%`;
const signed = (value) => (value === null ? "" : `${value < 0 ? "" : "+"}${number.format(value)}`);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function showCandidates({ candidates, line }) {
  const body = live.querySelector("[data-candidates] tbody");
  const mark = body.querySelector("[data-line]");
  const rows = candidates.map((candidate) => {
    const row = body.querySelector(`[data-number="${candidate.number}"]`);
    write(row, "rank", candidate.rank === null ? "–" : String(candidate.rank));
    writeCounted(row, candidate.counted);
    write(row, "share", percent(candidate.share));
    write(row, "to_line", signed(candidate.to_line));
    write(row, "in_cut", places[candidate.in_cut]);
    return row;
  });
  if (line && mark) rows.splice(line.place, 0, mark);
  if (rows.some((row, place) => body.rows[place] !== row)) {
    const focused = document.activeElement;
    body.append(...rows);
    if (body.contains(focused)) focused.focus({ preventScroll: true });
  }
  const sentence = live.querySelector("[data-line-sentence]");
  if (line && sentence) {
    const said = JSON.parse(sentence.dataset.words);
    const text = filled(line.margin ? said.margin : said.tie, {
      place: line.place, next: line.place + 1, margin: number.format(line.margin),
    });
    if (sentence.textContent !== text) sentence.textContent = text;
  }
}

function showPlatforms({ platforms }) {
  for (const platform of platforms) {
    const row = live.querySelector(`[data-platform="${platform.platform_id}"]`);
    if (!row) return location.reload(); // the first ballots of a platform
    writeCounted(row, platform.counted);
    write(row, "share", percent(platform.share));
  }
}

async function refresh() {
  const answer = await fetch(live.dataset.live, { headers: { "background-refresh": "1" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const tally = await answer.json();
  writeCounted(live.querySelector("[data-totals]"), tally.ballots);
  const moment = live.querySelector("[data-as-of]");
  moment.dateTime = tally.as_of;
  moment.textContent = tally.as_of_text;
  showCandidates(tally);
  showPlatforms(tally);
  ticks += 1;
  const charts = [...live.querySelectorAll("figure[data-chart]")].filter(
    ({ id }) => id === "minutes" || ticks % SLOW_CHARTS_EVERY === 0,
  );
  await Promise.all(charts.map((figure) => figure.chart && figure.chart.load()));
}

async function tick() {
  if (paused || busy || document.hidden) return;
  busy = true;
  try {
    await refresh();
    failed.hidden = true;
  } catch {
    failed.hidden = false;
  } finally {
    busy = false;
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? words.on : words.off;
  tick();
});
document.addEventListener("visibilitychange", tick);
setInterval(tick, EVERY_MS);
