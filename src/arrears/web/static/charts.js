// Draws what a report's table says, from the JSON beside it. Without scripts the table is all there is, and it is whole.
"use strict";
for (const place of document.querySelectorAll("[data-chart]")) {
  const said = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const style = getComputedStyle(document.documentElement);
  const [ink, line, accent] = ["--ink", "--line", "--accent"].map(name => style.getPropertyValue(name).trim());
  const number = new Intl.NumberFormat(said.language, { maximumFractionDigits: 1 });
  const written = value => number.format(value) + (said.unit ? " " + said.unit : "");
  const axis = { stroke: ink, grid: { stroke: line }, ticks: { stroke: line } };
  const apart = said.bars ? 1 : Math.ceil(said.groups.length / Math.max(1, place.clientWidth / 130));
  const shown = said.groups.map((_group, at) => at).filter(at => at % apart === 0);
  const options = {
    width: place.clientWidth,
    height: 220,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [-0.6, said.groups.length - 0.4] }, y: { range: (_u, _low, high) => [0, high > 0 ? high * 1.05 : 1] } },
    axes: [
      { ...axis, splits: shown, values: (_u, splits) => splits.map(at => said.groups[at]) },
      { ...axis, size: 80, values: (_u, splits) => splits.map(written) },
    ],
    series: [{}, {
      stroke: accent,
      width: 2,
      fill: said.bars ? accent : undefined,
      paths: said.bars ? uPlot.paths.bars({ size: [0.6, 90] }) : undefined,
      points: { show: !said.bars },
    }],
  };
  const drawn = new uPlot(options, [said.groups.map((_group, at) => at), said.values], place);
  addEventListener("resize", () => drawn.setSize({ width: place.clientWidth, height: options.height }));
}
