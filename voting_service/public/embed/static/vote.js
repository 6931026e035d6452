// <bayu-vote contest="bayu-2022" view="list" language="zh"></bayu-vote>
//
// Shows the candidates (view="list"), one of them (view="candidate" number="7") or the standings
// (view="standings") inside any page of a registered platform, and hands the reader to the vote.
// Reads the public API and nothing else: no cookie, no storage, no other host.
//
//   sign-in-url  the platform's own page that signs its user in and sends him over; it is given
//                the parameters contest and next. Without it the reader goes as he is.
//   frame        with platform="…": shows the same in a frame of the voting site.
//
// A press on a name or on the button is a cancelable event first: bayu-vote-choose, with
// detail {contest, number, next}.

const HOME = new URL(import.meta.url).origin;
const LIVE_MS = 5000;
const RETRY_MS = 15000;

const TEXTS = {
  zh: {
    list: "候选人", candidate: "候选人", standings: "票数", vote: "去投票", read: "看事迹，去投票",
    number: "{n} 号", rank: "名次", name: "姓名", votes: "票数", ballots: "共 {n} 张选票，截至 {time}",
    upcoming: "投票将于 {time} 开始。", open: "投票进行中，{time} 截止。", closed: "投票已于 {time} 结束。",
    unpublished: "候选人资料将于 {time} 公布。", hidden: "票数将于 {time} 公布。",
    later: "票数暂不公布。", loading: "正在加载……", failed: "暂时无法显示，稍后会自动重试。",
    missing: "没有找到这项投票或这位候选人。",
  },
  en: {
    list: "Candidates", candidate: "Candidate", standings: "Standings", vote: "Go to the vote",
    read: "Read the story and vote", number: "No. {n}", rank: "Rank", name: "Name", votes: "Votes",
    ballots: "{n} ballots as of {time}", upcoming: "Voting opens on {time}.",
    open: "Voting is open until {time}.", closed: "Voting closed on {time}.",
    unpublished: "The candidates will be published on {time}.",
    hidden: "The counts will be published on {time}.", later: "The counts are not public now.",
    loading: "Loading…", failed: "This cannot be shown now; it will be tried again.",
    missing: "There is no such vote or candidate.",
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

// A constructed sheet needs no leave from the page's policy; browsers of before 2023 lack it.
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

// Drawn for every reader, the same while the page is open.
const drawn = new Map();
function shuffled(contest, candidates) {
  if (!drawn.has(contest)) drawn.set(contest, crypto.getRandomValues(new Uint32Array(10000)));
  const lot = drawn.get(contest);
  return [...candidates].sort((a, b) => lot[a.number] - lot[b.number]);
}

async function ask(path, language, signal) {
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
  static observedAttributes = [
    "contest", "view", "number", "language", "sign-in-url", "frame", "platform",
  ];
  #root = this.attachShadow({ mode: "open" });
  #stop = new AbortController();
  #timer = 0;
  #shown = "";
  #people = null;
  #due = false;

  constructor() {
    super();
    if (sheet) this.#root.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#wake);
    this.#restart();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#wake);
    this.#halt();
  }

  attributeChangedCallback() {
    if (this.isConnected && !this.#due) {
      this.#due = true;
      queueMicrotask(() => { this.#due = false; this.#restart(); });
    }
  }

  get #contest() { return this.getAttribute("contest") ?? ""; }
  get #number() { return Number.parseInt(this.getAttribute("number"), 10) || null; }
  get #view() {
    const asked = this.getAttribute("view");
    return ["candidate", "standings"].includes(asked) ? asked : "list";
  }
  get #language() {
    const asked = this.getAttribute("language") || this.closest("[lang]")?.lang || navigator.language;
    return /^en/i.test(asked) ? "en" : "zh";
  }
  get #locale() { return this.#language === "en" ? "en-GB" : "zh-CN"; }
  get #texts() { return TEXTS[this.#language]; }

  #halt() {
    clearTimeout(this.#timer);
    this.#stop.abort();
    removeEventListener("message", this.#hear);
  }

  #restart() {
    this.#halt();
    this.#stop = new AbortController();
    this.#shown = "";
    this.#people = null;
    if (!this.isConnected) return;
    if (this.hasAttribute("frame")) this.#showFrame();
    else {
      this.#show(make("p", { className: "quiet" }, this.#texts.loading));
      this.#load();
    }
  }

  #wake = () => {
    if (!document.hidden && this.#timer) this.#load();
  };

  #again(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!document.hidden) this.#load();
    }, milliseconds + Math.random() * 1000);
  }

  async #load() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const signal = this.#stop.signal;
    const at = `/api/v1/contests/${encodeURIComponent(this.#contest)}`;
    const read = (path) => ask(at + path, this.#language, signal);
    try {
      const view = this.#view;
      const [contest, people, standings] = await Promise.all([
        read(""),
        this.#people ?? read(view === "candidate" ? `/candidates/${this.#number ?? 0}` : "/candidates"),
        view === "standings" ? read("/standings") : null,
      ]);
      if (signal.aborted) return;
      this.#people = people;
      this.#render(view, contest, people, standings);
      if (standings) this.#again(LIVE_MS);
    } catch (problem) {
      if (!signal.aborted) this.#fail(problem);
    }
  }

  #fail(problem) {
    const at = problem.at;
    const gone = problem.status === 404 && !at;
    let text = this.#texts[gone ? "missing" : "failed"];
    if (at) text = fill(this.#texts.unpublished, { time: this.#time(at) });
    // What is on the page stays there while the service is away.
    if (at || gone || !this.#shown) this.#show(make("p", { role: "status" }, text));
    if (!gone) this.#again(at ? Math.min(Math.max(Date.parse(at) - Date.now(), 0), RETRY_MS) : RETRY_MS);
  }

  #time(moment, zone) {
    return new Intl.DateTimeFormat(this.#locale, {
      dateStyle: "long", timeStyle: "short", timeZone: zone ?? "Asia/Shanghai",
    }).format(new Date(moment));
  }

  // Only when something changed, so that nobody loses the keyboard's place.
  #render(view, contest, people, standings) {
    const shown = JSON.stringify([view, contest.phase, people, standings?.candidates ?? standings]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const parts = { list: this.#list, candidate: this.#card, standings: this.#table };
    const moment = contest.phase === "upcoming" ? contest.opens_at : contest.closes_at;
    const phase = fill(this.#texts[contest.phase], { time: this.#time(moment, contest.time_zone) });
    this.#show(
      make("p", { className: "title" }, contest.title[this.#language]),
      make("p", { className: "quiet" }, phase),
      ...parts[view].call(this, people, standings, contest),
    );
  }

  #show(...parts) {
    const section = make("section", { lang: this.#locale }, ...parts);
    section.setAttribute("aria-label", this.#texts[this.#view]);
    const focused = this.#root.activeElement?.getAttribute("href");
    this.#fill(section);
    if (focused) [...this.#root.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused)?.focus();
  }

  #fill(part) {
    this.#root.replaceChildren(...(sheet ? [] : [make("style", {}, STYLE)]), part);
  }

  #list({ candidates }, _standings, contest) {
    const order = contest.list_order === "number" ? candidates : shuffled(contest.contest, candidates);
    return [
      make("ul", { role: "list" }, ...order.map((one) =>
        make("li", {}, this.#link(one.number, {}, ...this.#portrait(one, "9em"), ...this.#facts(one))))),
      this.#go(null, this.#texts.vote),
    ];
  }

  #card(one) {
    const story = make("div", {}, ...this.#facts(one), make("p", {}, one.summary[this.#language]),
      this.#go(one.number, this.#texts.read));
    return [make("div", { className: "card" }, ...this.#portrait(one, "10em"), story)];
  }

  #facts(one) {
    const language = this.#language;
    return [
      make("span", { className: "number" }, fill(this.#texts.number, { n: one.number })),
      make("span", { className: "name" }, one.name[language]),
      make("span", { className: "quiet" }, `${one.trade[language]} · ${one.district[language]}`),
    ];
  }

  #portrait({ portrait }, sizes) {
    const widths = Object.entries(portrait?.webp ?? {});
    if (!widths.length) return [];
    const srcset = widths.map(([width, path]) => `${new URL(path, HOME)} ${width}w`).join(", ");
    return [make("img", {
      alt: "", loading: "lazy", decoding: "async",
      width: portrait.width, height: portrait.height, sizes, srcset,
    })];
  }

  #table({ candidates }, standings) {
    const texts = this.#texts;
    if (!standings.candidates) {
      const from = standings.available_from;
      const text = from ? fill(texts.hidden, { time: this.#time(from) }) : texts.later;
      return [make("p", {}, text), this.#go(null, texts.vote)];
    }
    const format = new Intl.NumberFormat(this.#locale);
    const names = new Map(candidates.map((one) => [one.number, one.name[this.#language]]));
    const row = (tag, ...cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
    const rows = standings.candidates.map(({ rank, number, votes }) => row("td", rank,
      `${fill(texts.number, { n: number })} ${names.get(number) ?? ""}`, format.format(votes)));
    return [
      make("p", {}, fill(texts.ballots, {
        n: format.format(standings.ballots), time: this.#time(standings.as_of),
      })),
      make("table", {},
        make("thead", {}, row("th", texts.rank, texts.name, texts.votes)),
        make("tbody", {}, ...rows)),
      this.#go(null, texts.vote),
    ];
  }

  #go(number, text) {
    return this.#link(number, { className: "go" }, text);
  }

  #link(number, properties, ...children) {
    const link = make("a", { ...properties, href: this.#destination(this.#next(number)), target: "_top" }, ...children);
    link.addEventListener("click", (event) => {
      if (!this.#choose(number)) event.preventDefault();
    });
    return link;
  }

  #next(number) {
    const contest = `/${this.#language}/${encodeURIComponent(this.#contest)}`;
    return number ? `${contest}/candidates/${number}` : contest;
  }

  // Where a press leads: to the platform's own sign-in if it has said where that is.
  #destination(next) {
    const own = this.getAttribute("sign-in-url");
    if (!own) return HOME + next;
    const url = new URL(own, document.baseURI);
    if (!/^https?:$/.test(url.protocol)) return HOME + next;
    url.searchParams.set("contest", this.#contest);
    url.searchParams.set("next", next);
    return url.href;
  }

  // False when the page wants to see to it itself.
  #choose(number) {
    const detail = { contest: this.#contest, number, next: this.#next(number) };
    return this.dispatchEvent(new CustomEvent("bayu-vote-choose", {
      detail, bubbles: true, composed: true, cancelable: true,
    }));
  }

  #showFrame() {
    const address = new URL(`/embed/${encodeURIComponent(this.#contest)}/frame`, HOME);
    const asked = { view: this.#view, number: this.#number, language: this.#language, platform: this.getAttribute("platform") };
    for (const [name, value] of Object.entries(asked)) if (value) address.searchParams.set(name, value);
    const frame = make("iframe", { src: address.href, title: this.#texts[this.#view], height: 480 });
    frame.addEventListener("load", () => {
      frame.contentWindow?.postMessage({ type: "bayu-vote:hello", takesChoices: true }, HOME);
    });
    addEventListener("message", this.#hear);
    this.#fill(frame);
  }

  // Only the frame that we made, and only while the voting site is what it shows.
  #hear = (event) => {
    const frame = this.#root.querySelector("iframe");
    if (!frame || event.source !== frame.contentWindow || event.origin !== HOME) return;
    const { type, height, number } = event.data ?? {};
    if (type === "bayu-vote:height" && height > 0 && height < 100000) frame.height = Math.ceil(height);
    if (type !== "bayu-vote:choose" || !(number === null || Number.isInteger(number))) return;
    if (this.#choose(number)) top.location.assign(this.#destination(this.#next(number)));
  };
}

if (!customElements.get("bayu-vote")) customElements.define("bayu-vote", BayuVote);
