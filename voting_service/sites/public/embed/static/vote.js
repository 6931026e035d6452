// <public-vote contest="bayu-2022" view="list" language="zh"></public-vote>
//
// Guide: /en/platforms#embed. No cookies, no storage, no other host.

const HOME = new URL(import.meta.url).origin;
const VIEWS = ["list", "candidate", "standings"];
const LIVE_MS = 5000;
const RETRY_MS = 15000;

const TEXTS = {
  zh: {
    list: "候选人", candidate: "候选人", standings: "票数榜", vote: "去投票", read: "查看事迹，去投票",
    line: "以上为前 {n} 名",
    number: "{n} 号", rank: "名次", name: "姓名", votes: "票数", ballots: "共 {n} 张选票，截至{time}",
    upcoming: "投票将于{time}开始。", open: "投票进行中，{time}截止。",
    closed: "投票已结束（{time}截止）。",
    unpublished: "候选人资料将于{time}公布。", hidden: "票数将于{time}公布。",
    later: "票数暂不公布。", loading: "正在加载……", failed: "暂时无法显示，将自动重试。",
    missing: "没有找到该活动或候选人。", withdrawn: "已退出", elsewhere: "本页无法显示投票内容。", beijing: "（北京时间）",
  },
  en: {
    list: "Candidates", candidate: "Candidate", standings: "Standings", vote: "Go to the vote",
    read: "Read the story and vote", line: "The top {n}", number: "No. {n}", rank: "Rank", name: "Name", votes: "Votes",
    ballots: "{n} ballots as of {time}", upcoming: "Voting opens on {time}.",
    open: "Voting is open until {time}.", closed: "Voting was open until {time}.",
    unpublished: "The candidates will be published on {time}.",
    hidden: "Vote counts will be published on {time}.", later: "Vote counts are not public now.",
    loading: "Loading…", failed: "Not available now. Retrying soon.",
    missing: "There is no such vote or candidate.", withdrawn: "Withdrawn", elsewhere: "Cannot be shown on this page.", beijing: " Beijing time (UTC+8)",
  },
};

const STYLE = `
:host { display: block; line-height: 1.6; color: #1e2227;
 --accent: var(--public-vote-accent, #9b2a1a); }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
section { background: #fffdf9; border: 1px solid #ddd4c4; border-radius: 12px; padding: 1em;
 overflow-wrap: break-word; }
p { margin: 0 0 .6em; }
.quiet { color: #555d66; }
.title, .name, .number { font-weight: 700; }
.number { color: var(--accent); }
ul { list-style: none; margin: 0 0 1em; padding: 0; display: grid; gap: .75em;
 grid-template-columns: repeat(auto-fill, minmax(min(9em, 100%), 1fr)); }
a { color: var(--accent); text-underline-offset: .2em; }
a:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px; }
li a { display: block; height: 100%; padding: .6em; border: 1px solid #ddd4c4; background: #fff;
 border-radius: 8px; color: inherit; text-decoration: none; }
.go:hover, li a:hover .name { text-decoration: underline; }
li span, .card span { display: block; }
img, iframe { display: block; width: 100%; border: 0; }
img { height: auto; aspect-ratio: 5 / 7; object-fit: cover;
 border-radius: 6px; }
.card { display: flex; gap: 1em; }
.card img { width: 35%; max-width: 10em; align-self: start; }
.go { display: inline-block; min-height: 44px; padding: .5em 1.2em; border-radius: 8px;
 background: var(--accent); color: #fff; text-decoration: none; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1em; }
th, td { padding: .3em .2em; text-align: start; border-bottom: 1px solid #ddd4c4; }
th { white-space: nowrap; }
td:nth-child(2) { overflow-wrap: anywhere; }
.bar { display: block; height: .4em; background: var(--accent); }
.line td { text-align: center; color: var(--accent); }
:is(td, th):not(:nth-child(2)) { text-align: end; font-variant-numeric: tabular-nums; }
`;

// Missing before 2023.
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

const quiet = (text) => make("p", { className: "quiet" }, text);

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
  throw Object.assign(new Error(), { status: answer.status, at: problem.publish_at });
}

class PublicVote extends HTMLElement {
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
    this.attributeChangedCallback();
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

  _get(name) { return this.getAttribute(name) || ""; }
  get _contest() { return this._get("contest"); }
  get _number() { return parseInt(this._get("number")) || null; }
  get _view() {
    const view = this._get("view");
    return VIEWS.includes(view) ? view : "list";
  }
  get _language() {
    const { lang } = this.closest("[lang]") || this;
    const name = this._get("language") || lang || navigator.language;
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
    const view = this._get("view");
    const framed = this.hasAttribute("frame");
    if (!this._contest || (view && view !== this._view) || (view === "candidate" && !this._number)
      || (framed && !this._get("platform")) || (origin !== HOME && !this._get("sign-in-url")))
      this._help((h) => h.check(this, VIEWS));
    if (framed) this._showFrame();
    else {
      this._show(quiet(this._texts.loading));
      this._load();
    }
  }

  _help(ask) {
    return import("./help.js").then(ask).catch(() => {});
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
    const { signal } = this._stop;
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

  async _fail({ at, status }) {
    const { signal } = this._stop;
    const missing = status === 404 && !at;
    const asked = (missing || !status) && this._help((h) => h.explain(this, status));
    const barred = !status && await asked;
    if (signal.aborted) return;
    const text = this._texts[at ? "unpublished" : missing ? "missing" : barred ? "elsewhere" : "failed"];
    if (at || missing || !this._shown)
      this._show(make("p", { role: "status" }, fill(text, { time: at && this._time(at) })));
    if (!missing) this._again(Math.min(at ? Date.parse(at) - Date.now() : RETRY_MS, RETRY_MS));
  }

  _time(moment, timeZone = "Asia/Shanghai") {
    return new Intl.DateTimeFormat(this._locale, {
      year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone,
    }).format(new Date(moment)) + (timeZone === "Asia/Shanghai" ? this._texts.beijing : "");
  }

  // Midnight is 24:00 of the day before.
  _deadline(moment, zone) {
    const shown = this._time(Date.parse(moment) - 60000, zone);
    return /23:59/.test(shown) ? shown.replace("23:59", "24:00") : this._time(moment, zone);
  }

  // Keeps the focus.
  _render(view, contest, people, standings) {
    const { phase, time_zone } = contest;
    const shown = JSON.stringify([view, phase, people, (standings && standings.candidates) || standings]);
    if (shown === this._shown) return;
    this._shown = shown;
    const parts = { list: this._list, candidate: this._card, standings: this._table };
    const time = phase === "upcoming"
      ? this._time(contest.opens_at, time_zone) : this._deadline(contest.closes_at, time_zone);
    this._show(
      make("p", { className: "title" }, contest.title[this._language]),
      quiet(fill(this._texts[phase], { time })),
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

  _list({ candidates }, _, contest) {
    const order = contest.list_order === "number" ? candidates : shuffled(contest.contest, candidates);
    return [
      make("ul", { role: "list" }, ...order.map((one) =>
        make("li", {}, this._link(one.number, {}, ...this._portrait(one, "9em"), ...this._facts(one))))),
      this._go(null, this._texts.vote),
    ];
  }

  _card(one) {
    return [make("div", { className: "card" }, ...this._portrait(one, "10em"), make("div", {},
      ...this._facts(one), make("p", {}, one.summary[this._language]),
      this._go(one.number, this._texts.read)))];
  }

  _facts(one) {
    const l = this._language;
    return [
      make("span", { className: "number" }, fill(this._texts.number, { n: one.number })),
      make("span", { className: "name" }, one.name[l]),
      make("span", { className: "quiet" }, `${one.trade[l]} · ${one.district[l]}`),
      one.withdrawn ? make("span", { className: "number" }, this._texts.withdrawn) : "",
    ];
  }

  _portrait({ portrait }, sizes) {
    const widths = Object.entries((portrait && portrait.webp) || {});
    if (!widths.length) return [];
    const srcset = widths.map(([width, path]) => `${new URL(path, HOME)} ${width}w`).join(", ");
    const { width, height } = portrait;
    return [make("img", { alt: "", loading: "lazy", width, height, sizes, srcset })];
  }

  _table({ candidates }, standings, contest) {
    const texts = this._texts;
    if (!standings.candidates) {
      const from = standings.available_from;
      const text = from ? fill(texts.hidden, { time: this._time(from) }) : texts.later;
      return [make("p", {}, text), this._go(null, texts.vote)];
    }
    const format = new Intl.NumberFormat(this._locale);
    const names = new Map(candidates.map((one) => [one.number, one.name[this._language]]));
    const row = (tag, ...cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
    const counts = standings.candidates.map(({ votes }) => votes);
    const rows = standings.candidates.map(({ rank, number, votes }) => row("td", rank || "–",
      make("span", {}, `${fill(texts.number, { n: number })} ${names.get(number) || ""}`,
        make("i", { className: "bar", style: `width: ${(100 * votes) / (counts[0] || 1)}%` })),
      format.format(votes)));
    const { size } = contest.cut;
    if (counts[size - 1] > counts[size]) // not inside a tie
      rows.splice(size, 0, make("tr", { className: "line" },
        make("td", { colSpan: 3 }, fill(texts.line, { n: size }))));
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

  _go(number, text) { return this._link(number, { className: "go" }, text); }

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

  // The platform's page, else ours.
  _destination(next) {
    const own = this._get("sign-in-url");
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
    return this.dispatchEvent(new CustomEvent("public-vote-choose", {
      detail, bubbles: true, composed: true, cancelable: true,
    }));
  }

  _showFrame() {
    const address = new URL(`/embed/${encodeURIComponent(this._contest)}/frame`, HOME);
    const query = { view: this._view, number: this._number, language: this._language,
      platform: this._get("platform") };
    for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value);
    const frame = make("iframe", { src: address.href, title: this._texts[this._view], height: 480 });
    frame.addEventListener("load", () => {
      frame.contentWindow.postMessage({ type: "public-vote:hello", takesChoices: true }, HOME);
      setTimeout(() => frame.height == 480 && this._help((h) => h.silent(this, frame)), 3000);
    });
    addEventListener("message", this._receive);
    this._fill(frame);
  }

  // Messages of our own frame only.
  _receive(event) {
    const frame = this._root.querySelector("iframe");
    if (!frame || event.source !== frame.contentWindow || event.origin !== HOME) return;
    const { type, height, number } = event.data || {};
    if (type === "public-vote:height" && height > 0 && height < 100000) frame.height = Math.ceil(height);
    if (type !== "public-vote:choose" || !(number === null || Number.isInteger(number))) return;
    if (this._choose(number)) top.location.assign(this._destination(this._next(number)));
  }
}

if (!customElements.get("public-vote")) customElements.define("public-vote", PublicVote);
