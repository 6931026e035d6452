// Charts with their figures as a table: lines over time, bars, heat maps.
//
// Templates use the macro of chart.html; every figure[data-chart] of the page is drawn when
// this module loads. Other modules may call chart(figure) for a figure they made the same way.
//
// Data, inline or fetched:
//   line  { "time": ["2022-07-18T12:00:00+08:00", …], "series": […], "links"?: ["/…", null, …],
//           "line"?: { "name": "…", "value": 123 } }      times are shown as they are written
//   bar   { "labels": […], "series": […], "links"?: […], "stacked"?: true,
//           "ticks"?: ["…", …] }      shorter labels, for the axis alone
//   heat  { "columns": […], "rows": […], "values": [[row 0 …], …], "links"?: [row 0, …],
//           "starts"?: [the beginning of each column, and the end of the last] }
//   series: [{ "name": "…", "values": [1, null, …], "state"?: "counted" | "held" | "void" }]
//
// A series has a colour and, besides, a pattern (bars) or a symbol and a dash (lines).

import "./vendor/echarts.min.js";

const { echarts } = window;

const SYMBOLS = ["circle", "triangle", "rect", "diamond", "pin", "arrow"];
const DASHES = ["solid", "dashed", "dotted"];
const DECALS = [
  { symbol: "none" },
  { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 6 },
  { symbol: "rect", dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], symbolSize: 0.6 },
  { symbol: "circle", dashArrayX: [[8, 8], [0, 8, 8, 0]], dashArrayY: [6, 0], symbolSize: 0.6 },
  { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 6 },
];
const STATES = { counted: 0, held: 1, void: 2 };
const ROWS_AT_ONCE = 1000;
const SYMBOLS_AT_MOST = 100; // points of a line; more would paint over each other
const TIMES = {
  year: "{yyyy}-{MM}-{dd}", month: "{MM}-{dd}", day: "{MM}-{dd}", hour: "{HH}:{mm}",
  minute: "{HH}:{mm}", second: "{HH}:{mm}:{ss}",
};

function look() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: read("ink"), quiet: read("quiet"), paper: read("paper"), line: read("line"),
    wash: read("wash"), colours: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => read(`series-${n}`)),
  };
}

const place = (series, index) => (series.state in STATES ? STATES[series.state] : (index + (series.state ? 0 : 3)) % 8);

// The clock on the wall, whatever zone this browser is in: drawn as UTC with useUTC.
const wall = (text) => Date.parse(`${text.slice(0, 19)}Z`);
const shown = (text) => text.slice(0, 16).replace("T", " ");

class Figure {
  constructor(figure) {
    this.figure = figure;
    this.kind = figure.dataset.kind;
    this.words = JSON.parse(figure.dataset.words);
    this.title = figure.querySelector("figcaption").textContent.trim();
    this.drawing = figure.querySelector(".drawing");
    this.table = figure.querySelector(".chart-table");
    this.said = figure.querySelector(".chart-said");
    this.number = new Intl.NumberFormat(document.documentElement.lang);
    figure.querySelector("[data-do=table]").addEventListener("click", (event) => {
      const on = this.table.hidden;
      this.table.hidden = !on;
      this.drawing.hidden = on;
      event.currentTarget.setAttribute("aria-pressed", String(on));
      event.currentTarget.textContent = on ? this.words.chart : this.words.table;
      if (on) this.fillTable();
      else if (this.drawn) this.drawn.resize();
    });
    figure.querySelector("[data-do=picture]").addEventListener("click", () => this.save());
  }

  async start() {
    this.drawn = echarts.init(this.drawing, null, { renderer: "canvas" });
    const fit = () => this.drawing.hidden || this.drawn.resize();
    if (window.ResizeObserver) new ResizeObserver(fit).observe(this.drawing);
    else addEventListener("resize", fit);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    if (dark.addEventListener) dark.addEventListener("change", () => this.show());
    else dark.addListener(() => this.show()); // before Safari 14
    addEventListener("viewchange", () => this.show());
    this.drawn.on("click", ({ dataIndex, value }) => {
      const target = this.kind === "heat" ? this.cellLink(value)
        : this.data.links && this.data.links[dataIndex];
      if (target) location.assign(target);
    });
    await this.load();
    const seconds = Number(this.figure.dataset.refreshSeconds);
    if (seconds) this.timer = setInterval(() => document.hidden || this.load(), seconds * 1000);
  }

  // The row's ballots in the step of one cell.
  cellLink([x, y]) {
    const { links, starts } = this.data;
    if (!links || !links[y]) return null;
    const target = new URL(links[y], location.href);
    target.searchParams.set("from", starts[x]);
    target.searchParams.set("to", starts[x + 1]);
    return target.href;
  }

  async load() {
    const inline = this.figure.querySelector("script[type='application/json']");
    try {
      this.data = inline ? JSON.parse(inline.textContent) : await this.fetched();
    } catch {
      clearInterval(this.timer);
      this.say(this.words.failed);
      this.drawing.hidden = !this.data; // old figures stay, and it says that they are old
      return;
    }
    this.show();
    if (!this.table.hidden) this.fillTable();
    this.figure.dispatchEvent(new CustomEvent("chart:data", { bubbles: true, detail: this.data }));
  }

  async fetched() {
    // Asking again by itself does not keep a session alive (sites/shared/signed_in/access.py).
    const headers = this.data ? { "background-refresh": "1" } : {};
    const answer = await fetch(this.figure.dataset.source, { headers });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  say(text) {
    this.said.textContent = text;
    this.said.hidden = !text;
  }

  get isEmpty() {
    const rows = this.data.values || this.data.series.map((one) => one.values);
    return !rows.some((row) => row.length);
  }

  show() {
    if (!this.data) return;
    this.say(this.isEmpty ? this.words.empty : "");
    this.drawn.setOption({ ...this.common(), ...this[this.kind]() }, {
      replaceMerge: ["series", "xAxis", "yAxis"],
    });
    this.figure.dataset.drawn = "";
  }

  common() {
    const { ink, quiet, paper, line } = (this.look = look());
    return {
      useUTC: true,
      animation: false,
      textStyle: { fontFamily: "system-ui, sans-serif", color: ink },
      grid: { left: 8, right: 16, top: 40, bottom: this.kind === "line" ? 52 : 8, containLabel: true },
      legend: { top: 0, type: "scroll", textStyle: { color: ink } },
      // The rich text tooltip is painted; an HTML one would need inline styles.
      tooltip: {
        renderMode: "richText", confine: true, backgroundColor: paper, borderColor: line,
        textStyle: { color: ink }, valueFormatter: (value) => this.figureText(value),
      },
      axis: {
        axisLabel: { color: quiet, hideOverlap: true },
        axisLine: { lineStyle: { color: line } },
        splitLine: { lineStyle: { color: line } },
      },
    };
  }

  figureText(value) {
    return value == null ? "–" : this.number.format(value);
  }

  line() {
    const { axis } = this.common();
    const times = this.data.time.map(wall);
    const mark = this.data.line;
    return {
      xAxis: {
        type: "time", ...axis, splitLine: { show: false },
        axisLabel: { ...axis.axisLabel, formatter: TIMES },
      },
      yAxis: { type: "value", ...axis, minInterval: 1 },
      tooltip: { ...this.common().tooltip, trigger: "axis" },
      dataZoom: [
        { type: "inside", filterMode: "none" },
        { type: "slider", filterMode: "none", height: 24, bottom: 8, textStyle: { color: this.look.quiet } },
      ],
      series: this.data.series.map((one, index) => {
        const at = place(one, index);
        const colour = this.look.colours[at];
        return {
          name: one.name, type: "line", data: one.values.map((value, n) => [times[n], value]),
          symbol: SYMBOLS[at % SYMBOLS.length], symbolSize: 6,
          showSymbol: times.length <= SYMBOLS_AT_MOST,
          sampling: times.length > 4000 ? "max" : undefined,
          lineStyle: { width: 2, type: DASHES[at % DASHES.length], color: colour },
          itemStyle: { color: colour },
          markLine: mark && !index ? {
            symbol: "none", label: { formatter: mark.name, color: this.look.ink, position: "insideEndTop" },
            lineStyle: { color: this.look.ink }, data: [{ yAxis: mark.value }],
          } : undefined,
        };
      }),
    };
  }

  bar() {
    const { axis } = this.common();
    const { ticks } = this.data;
    const formatter = ticks && ((label, place) => ticks[place]);
    return {
      xAxis: {
        type: "category", data: this.data.labels, ...axis,
        axisLabel: { ...axis.axisLabel, formatter },
      },
      yAxis: { type: "value", ...axis, minInterval: 1 },
      tooltip: { ...this.common().tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
      dataZoom: [{ type: "inside" }],
      series: this.data.series.map((one, index) => {
        const at = place(one, index);
        return {
          name: one.name, type: "bar", data: one.values, stack: this.data.stacked ? "all" : undefined,
          itemStyle: {
            color: this.look.colours[at],
            decal: { color: this.look.paper, ...DECALS[at % DECALS.length] },
          },
        };
      }),
    };
  }

  heat() {
    const { axis } = this.common();
    const cells = this.data.values.flatMap((row, y) => row.map((value, x) => [x, y, value]));
    const most = Math.max(1, ...cells.map((cell) => cell[2] || 0));
    return {
      legend: { show: false },
      xAxis: { type: "category", data: this.data.columns, ...axis },
      yAxis: { type: "category", data: this.data.rows, inverse: true, ...axis },
      visualMap: {
        min: 0, max: most, show: false,
        inRange: { color: [this.look.wash, this.look.colours[3]] },
      },
      tooltip: {
        ...this.common().tooltip,
        formatter: ({ value: [x, y, value] }) =>
          `${this.data.rows[y]} · ${this.data.columns[x]}\n${this.figureText(value)}`,
      },
      series: [{
        type: "heatmap", data: cells, itemStyle: { borderColor: this.look.paper, borderWidth: 1 },
        label: {
          show: cells.length <= 400, color: this.look.ink, backgroundColor: this.look.paper,
          padding: [1, 4], borderRadius: 3, formatter: ({ value }) => this.figureText(value[2]),
        },
      }],
    };
  }

  rows() {
    if (this.kind === "heat") {
      return [["", ...this.data.columns],
        ...this.data.rows.map((name, y) => [name, ...this.data.values[y]])];
    }
    const first = this.kind === "line" ? this.data.time.map(shown) : this.data.labels;
    const head = this.kind === "line" ? this.words.time : "";
    return [[head, ...this.data.series.map((one) => one.name)],
      ...first.map((name, n) => [name, ...this.data.series.map((one) => one.values[n])])];
  }

  fillTable() {
    const [head, ...body] = this.rows();
    const table = document.createElement("table");
    table.createCaption().textContent = this.title;
    const cell = (row, kind, text, scope) => {
      const made = row.appendChild(document.createElement(kind));
      if (scope) made.scope = scope;
      made.textContent = text;
      return made;
    };
    const top = table.createTHead().insertRow();
    head.forEach((text, n) => cell(top, text ? "th" : "td", text, text && "col").classList.toggle("figure", n > 0));
    const rows = table.createTBody();
    // A year of minutes is half a million rows: the newest are shown, the rest is in the exports.
    const from = this.kind === "line" ? Math.max(0, body.length - ROWS_AT_ONCE) : 0;
    body.slice(from).forEach(([name, ...values], n) => {
      const row = rows.insertRow();
      const named = cell(row, "th", "", "row");
      const target = this.data.links && this.data.links[from + n];
      if (target) {
        const link = named.appendChild(document.createElement("a"));
        link.href = target;
        link.textContent = name;
      } else named.textContent = name;
      values.forEach((value) => cell(row, "td", this.figureText(value)).classList.add("figure"));
    });
    this.table.textContent = "";
    this.table.append(table);
  }

  save() {
    const drawing = this.drawn.renderToCanvas({ pixelRatio: 2, backgroundColor: this.look.paper });
    const canvas = document.createElement("canvas");
    const top = 72;
    canvas.width = drawing.width;
    canvas.height = drawing.height + top;
    const paint = canvas.getContext("2d");
    paint.fillStyle = this.look.paper;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    paint.fillStyle = this.look.ink;
    paint.font = "600 32px system-ui, sans-serif";
    paint.fillText(this.title, 24, 48, canvas.width - 48);
    paint.drawImage(drawing, 0, top);
    canvas.toBlob((picture) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(picture);
      link.download = `${this.title}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }, "image/png");
  }
}

export async function chart(figure) {
  const made = (figure.chart = new Figure(figure)); // modules of a page may call its load()
  await made.start();
  return made;
}

for (const figure of document.querySelectorAll("figure[data-chart]")) chart(figure);
