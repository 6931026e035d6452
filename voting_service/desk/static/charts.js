// chart(element, { kind, sourceUrl | data }): see the top of the finished module.
import "./vendor/echarts.min.js";

export async function chart(element, options) {
  const data = options.data ?? await (await fetch(options.sourceUrl)).json();
  const drawn = globalThis.echarts.init(element);
  drawn.setOption({ tooltip: { renderMode: "richText" }, xAxis: {}, yAxis: {}, series: data.series });
  return drawn;
}
