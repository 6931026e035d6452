// <bayu-vote contest="bayu-2022" view="list" language="zh"></bayu-vote>
//
// Shows the candidates (view="list"), one (view="candidate" number="7") or the standings
// (view="standings") inside a page, with links to the vote.
// Public API only: no cookies, no storage, no other host.
//
//   sign-in-url  the platform's sign-in page; it receives the parameters contest and next.
//                Without it links open our site.
//   frame        with platform="…": the same in a frame of the voting site.
//
// A click first sends bayu-vote-choose, cancelable: {contest, number, next}.

const HOME = new URL(import.meta.url).origin;
const LIVE_MS = 5000;
const RETRY_MS = 15000;

const TEXTS = {
  zh: {
    list: "候选人", candidate: "候选人", standings: "票数榜", vote: "去投票", read: "查看事迹，去投票",
    number: "{n} 号", rank: "名次", name: "姓名", votes: "票数", ballots: "共 {n} 张选票，截至{time}",
    upcoming: "投票将于{time}开始。", open: "投票进行中，{time}截止。",
    closed: "投票已结束（{time}截止）。",
    unpublished: "候选人资料将于{time}公布。", hidden: "票数将于{time}公布。",
    later: "票数暂不公布。", loading: "正在加载……", failed: "暂时无法显示，将自动重试。",
    missing: "没有找到该活动或候选人。", beijing: "（北京时间）",
  },
  en: {
    list: "Candidates", candidate: "Candidate", standings: "Standings", vote: "Go to the vote",
    read: "Read the story and vote", number: "No. {n}", rank: "Rank", name: "Name", votes: "Votes",
    ballots: "{n} ballots as of {time}", upcoming: "Voting opens on {time}.",
    open: "Voting is open until {time}.", closed: "Voting was open until {time}.",
    unpublished: "The candidates will be published on {time}.",
    hidden: "Vote counts will be published on {time}.", later: "Vote counts are not public now.",
    loading: "Loading…", failed: "Not available now. Retrying soon.",
    missing: "There is no such vote or candidate.", beijing: " Beijing time (UTC+8)",
  },
};

const STYLE = `
:host { display: block; font-size: 1em; line-height: 1.6; color: #1e2227;
  --accent: var(--bayu-vote-accent, #9b2a1a); }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
section { background: #fffdf9; border: 1px solid #ddd4c4; border-radius: 12px; padding: 1em;
  overflow-wrap: anywhere; }
p { margin: 0 0 .6em; }
.quiet { color: #555d66; }
.title, .name { font-weight: 700; }
.number { color: var(--accent); font-weight: 700; font-variant-numeric: tabular-nums; }
ul { list-style: none; margin: 0 0 1em; padding: 0; display: grid; gap: .75em;
  grid-template-columns: repeat(auto-fill, minmax(min(9em, 100%), 1fr)); }
a { color: var(--accent); text-underline-offset: .2em; }
a:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px; }
li a { display: block; height: 100%; padding: .6em; border: 1px solid #ddd4c4; background: #fff;
  border-radius: 8px; color: inherit; text-decoration: none; }
li a:hover .name { text-decoration: underline; }
li span, .card span { display: block; }
img { display: block; width: 100%; height: auto; aspect-ratio: 5 / 7; object-fit: cover;
  border-radius: 6px; background: #f6f1e7; }
.card { display: flex; gap: 1em; }
.card img { width: 35%; max-width: 10em; align-self: start; }
.go { display: inline-block; min-height: 44px; padding: .5em 1.2em; border-radius: 8px;
  background: var(--accent); color: #fff; text-decoration: none; }
.go:hover { text-decoration: underline; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1em; }
th, td { padding: .3em .5em; text-align: start; border-bottom: 1px solid #ddd4c4; }
:is(td, th):not(:nth-child(2)) { text-align: end; font-variant-numeric: tabular-nums; }
iframe { display: block; width: 100%; border: 0; }
`;

// Allowed by every page's policy; missing before 2023.
let sheet = null;
try {
  sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
} catch {}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const drawn = new Map();
function shuffled(contest, candidates) {
  if (!drawn.has(contest)) drawn.set(contest, crypto.getRandomValues(new Uint32Array(10000)));
  const order = drawn.get(contest);
  return [...candidates].sort((a, b) => order[a.number] - order[b.number]);
}

async function load(path, language, signal) {
  const answer = await fetch(HOME + path, {
    signal,
    cache: path.endsWith("/standings") ? "no-cache" : "default",
    credentials: "omit",
    headers: { "accept-language": language },
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(problem.title), { status: answer.status, at: problem.publish_at });
}

class BayuVote extends HTMLElement {
  static get observedAttributes() {
    return ["contest", "view", "number", "language", "sign-in-url", "frame", "platform"];
  }

  constructor() {
    super();
    this._root = this.attachShadow({ mode: "open" });
    this._stop = new AbortController();
    this._wake = this._wake.bind(this);
    this._receive = this._receive.bind(this);
    if (sheet) this._root.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this._wake);
    this._restart();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this._wake);
    this._halt();
  }

  attributeChangedCallback() {
    if (this.isConnected && !this._due) {
      this._due = true;
      Promise.resolve().then(() => { this._due = false; this._restart(); });
    }
  }

  get _contest() { return this.getAttribute("contest") || ""; }
  get _number() { return Number.parseInt(this.getAttribute("number"), 10) || null; }
  get _view() {
    const view = this.getAttribute("view");
    return ["candidate", "standings"].includes(view) ? view : "list";
  }
  get _language() {
    const { lang } = this.closest("[lang]") || this;
    const name = this.getAttribute("language") || lang || navigator.language;
    return /^en/i.test(name) ? "en" : "zh";
  }
  get _locale() { return this._language === "en" ? "en-GB" : "zh-CN"; }
  get _texts() { return TEXTS[this._language]; }

  _halt() {
    clearTimeout(this._timer);
    this._stop.abort();
    removeEventListener("message", this._receive);
  }

  _restart() {
    this._halt();
    this._stop = new AbortController();
    this._shown = "";
    this._people = null;
    if (!this.isConnected) return;
    if (this.hasAttribute("frame")) this._showFrame();
    else {
      this._show(make("p", { className: "quiet" }, this._texts.loading));
      this._load();
    }
  }

  _wake() {
    if (!document.hidden && this._timer) this._load();
  }

  _again(milliseconds) {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      if (!document.hidden) this._load();
    }, milliseconds + Math.random() * 1000);
  }

  async _load() {
    clearTimeout(this._timer);
    this._timer = 0;
    const signal = this._stop.signal;
    const at = `/api/v1/contests/${encodeURIComponent(this._contest)}`;
    const read = (path) => load(at + path, this._language, signal);
    try {
      const view = this._view;
      const [contest, people, standings] = await Promise.all([
        read(""),
        this._people || read(view === "candidate" ? `/candidates/${this._number || 0}` : "/candidates"),
        view === "standings" ? read("/standings") : null,
      ]);
      if (signal.aborted) return;
      this._people = people;
      this._render(view, contest, people, standings);
      if (standings) this._again(LIVE_MS);
    } catch (problem) {
      if (!signal.aborted) this._fail(problem);
    }
  }

  _fail(problem) {
    const { at } = problem;
    const missing = problem.status === 404 && !at;
    let text = this._texts[missing ? "missing" : "failed"];
    if (at) text = fill(this._texts.unpublished, { time: this._time(at) });
    // Errors keep the last content.
    if (at || missing || !this._shown) this._show(make("p", { role: "status" }, text));
    if (missing) return;
    this._again(at ? Math.min(Math.max(Date.parse(at) - Date.now(), 0), RETRY_MS) : RETRY_MS);
  }

  _time(moment, zone) {
    const timeZone = zone || "Asia/Shanghai";
    return new Intl.DateTimeFormat(this._locale, {
      year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone,
    }).format(new Date(moment)) + (timeZone === "Asia/Shanghai" ? this._texts.beijing : "");
  }

  // Renders only changes, to keep the focus.
  _render(view, contest, people, standings) {
    const shown = JSON.stringify([view, contest.phase, people, (standings && standings.candidates) || standings]);
    if (shown === this._shown) return;
    this._shown = shown;
    const parts = { list: this._list, candidate: this._card, standings: this._table };
    const moment = contest.phase === "upcoming" ? contest.opens_at : contest.closes_at;
    const phase = fill(this._texts[contest.phase], { time: this._time(moment, contest.time_zone) });
    this._show(
      make("p", { className: "title" }, contest.title[this._language]),
      make("p", { className: "quiet" }, phase),
      ...parts[view].call(this, people, standings, contest),
    );
  }

  _show(...parts) {
    const section = make("section", { lang: this._locale }, ...parts);
    section.setAttribute("aria-label", this._texts[this._view]);
    const active = this._root.activeElement;
    const focused = active && active.getAttribute("href");
    this._fill(section);
    for (const a of focused ? this._root.querySelectorAll("a") : [])
      if (a.getAttribute("href") === focused) return a.focus();
  }

  _fill(part) {
    this._root.textContent = "";
    this._root.append(sheet ? "" : make("style", {}, STYLE), part);
  }

  _list({ candidates }, _standings, contest) {
    const order = contest.list_order === "number" ? candidates : shuffled(contest.contest, candidates);
    return [
      make("ul", { role: "list" }, ...order.map((one) =>
        make("li", {}, this._link(one.number, {}, ...this._portrait(one, "9em"), ...this._facts(one))))),
      this._go(null, this._texts.vote),
    ];
  }

  _card(one) {
    const story = make("div", {}, ...this._facts(one), make("p", {}, one.summary[this._language]),
      this._go(one.number, this._texts.read));
    return [make("div", { className: "card" }, ...this._portrait(one, "10em"), story)];
  }

  _facts(one) {
    const language = this._language;
    return [
      make("span", { className: "number" }, fill(this._texts.number, { n: one.number })),
      make("span", { className: "name" }, one.name[language]),
      make("span", { className: "quiet" }, `${one.trade[language]} · ${one.district[language]}`),
    ];
  }

  _portrait({ portrait }, sizes) {
    const widths = Object.entries((portrait && portrait.webp) || {});
    if (!widths.length) return [];
    const srcset = widths.map(([width, path]) => `${new URL(path, HOME)} ${width}w`).join(", ");
    return [make("img", {
      alt: "", loading: "lazy", decoding: "async",
      width: portrait.width, height: portrait.height, sizes, srcset,
    })];
  }

  _table({ candidates }, standings) {
    const texts = this._texts;
    if (!standings.candidates) {
      const from = standings.available_from;
      const text = from ? fill(texts.hidden, { time: this._time(from) }) : texts.later;
      return [make("p", {}, text), this._go(null, texts.vote)];
    }
    const format = new Intl.NumberFormat(this._locale);
    const names = new Map(candidates.map((one) => [one.number, one.name[this._language]]));
    const row = (tag, ...cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
    const rows = standings.candidates.map(({ rank, number, votes }) => row("td",
      standings.candidates[0].votes ? rank : "–",
      `${fill(texts.number, { n: number })} ${names.get(number) || ""}`, format.format(votes)));
    return [
      make("p", {}, fill(texts.ballots, {
        n: format.format(standings.ballots), time: this._time(standings.as_of),
      })),
      make("table", {},
        make("thead", {}, row("th", texts.rank, texts.name, texts.votes)),
        make("tbody", {}, ...rows)),
      this._go(null, texts.vote),
    ];
  }

  _go(number, text) {
    return this._link(number, { className: "go" }, text);
  }

  _link(number, properties, ...children) {
    const link = make("a", { ...properties, href: this._destination(this._next(number)), target: "_top" }, ...children);
    link.addEventListener("click", (event) => {
      if (!this._choose(number)) event.preventDefault();
    });
    return link;
  }

  _next(number) {
    const contest = `/${this._language}/${encodeURIComponent(this._contest)}`;
    return number ? `${contest}/candidates/${number}` : contest;
  }

  // The platform's sign-in page, else the voting site.
  _destination(next) {
    const own = this.getAttribute("sign-in-url");
    if (!own) return HOME + next;
    const url = new URL(own, document.baseURI);
    if (!/^https?:$/.test(url.protocol)) return HOME + next;
    url.searchParams.set("contest", this._contest);
    url.searchParams.set("next", next);
    return url.href;
  }

  // False if the page handles it.
  _choose(number) {
    const detail = { contest: this._contest, number, next: this._next(number) };
    return this.dispatchEvent(new CustomEvent("bayu-vote-choose", {
      detail, bubbles: true, composed: true, cancelable: true,
    }));
  }

  _showFrame() {
    const address = new URL(`/embed/${encodeURIComponent(this._contest)}/frame`, HOME);
    const query = { view: this._view, number: this._number, language: this._language, platform: this.getAttribute("platform") };
    for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value);
    const frame = make("iframe", { src: address.href, title: this._texts[this._view], height: 480 });
    frame.addEventListener("load", () => {
      frame.contentWindow.postMessage({ type: "bayu-vote:hello", takesChoices: true }, HOME);
    });
    addEventListener("message", this._receive);
    this._fill(frame);
  }

  // Messages of our own frame only.
  _receive(event) {
    const frame = this._root.querySelector("iframe");
    if (!frame || event.source !== frame.contentWindow || event.origin !== HOME) return;
    const { type, height, number } = event.data || {};
    if (type === "bayu-vote:height" && height > 0 && height < 100000) frame.height = Math.ceil(height);
    if (type !== "bayu-vote:choose" || !(number === null || Number.isInteger(number))) return;
    if (this._choose(number)) top.location.assign(this._destination(this._next(number)));
  }
}

if (!customElements.get("bayu-vote")) customElements.define("bayu-vote", BayuVote);
