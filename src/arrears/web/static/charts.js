// Draws what a report's table says, from the JSON beside it. Without scripts the table is all there is, and it is whole.
"use strict";
for (const place of document.querySelectorAll("[data-chart]")) {
  const said = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim();
  const colours = ["--accent", "--alert", "--good", "--ink"].map(name => style.getPropertyValue(name).trim());
  const dashes = [[], [8, 4], [2, 4], [12, 4, 2, 4]];
  const number = new Intl.NumberFormat(said.language, { maximumFractionDigits: 1 });
  const written = value => value === null || value === undefined ? "" : number.format(value) + (said.unit ? " " + said.unit : "");
  const axis = { stroke: ink, grid: { stroke: line }, ticks: { stroke: line } };
  const many = said.lines.length;
  const options = {
    width: place.clientWidth,
    height: 280,
    scales: { x: { time: false, range: [-0.5, said.groups.length - 0.5] }, y: { range: (_u, _low, high) => [0, high > 0 ? high * 1.05 : 1] } },
    axes: [
      { ...axis, values: (_u, splits) => splits.map(at => said.groups[at] ?? ""), splits: said.groups.map((_g, at) => at).filter(at => said.groups.length < 8 || at % Math.ceil(said.groups.length / 6) === 0) },
      { ...axis, size: 90, values: (_u, splits) => splits.map(written) },
    ],
    series: [{ label: "", value: (_u, at) => said.groups[at] ?? "" }, ...said.lines.map((one, at) => ({
      label: one.name,
      stroke: colours[at % colours.length],
      dash: said.bars ? undefined : dashes[at % dashes.length],
      width: 2,
      fill: said.bars ? colours[at % colours.length] : undefined,
      paths: said.bars ? uPlot.paths.bars({ size: [0.8 / many], align: many === 1 ? 0 : 1 }) : undefined,
      points: { show: !said.bars },
      value: (_u, value) => written(value),
    }))],
  };
  const drawn = new uPlot(options, [said.groups.map((_g, at) => at), ...said.lines.map(one => one.values)], place);
  addEventListener("resize", () => drawn.setSize({ width: place.clientWidth, height: 280 }));
}
