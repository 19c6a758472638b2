"use strict";
// Draws people and satisfaction hour by hour, out of what the page holds for each chart. The tables say the same.

const COLOURS = { line: "--ink", grid: "--rule", people: "--accent", satisfaction: "--good" };

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(Object.entries(COLOURS).map(([name, key]) => [name, style.getPropertyValue(key).trim() || "#777"]));
}

function axis(scale, side, label, colour, shown) {
  return { scale, side, label, stroke: colour, font: "14px sans-serif", labelFont: "14px sans-serif", size: 56, labelSize: 20, grid: { show: shown, stroke: colours().grid, width: 1 } };
}

function draw(place) {
  const told = JSON.parse(place.dataset.chart);
  const { line, people, satisfaction } = colours();
  const number = value => (value === null || value === undefined ? "–" : new Intl.NumberFormat(document.documentElement.lang).format(Math.round(value)));
  const options = {
    width: place.clientWidth,
    height: 240,
    // the clock of the place, not of who looks
    tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), told.timezone),
    // to the end of the last hour
    scales: { x: { time: true, range: (_, first, last) => [first, last + 3600] }, people: { range: (_, least, most) => [0, Math.max(1, most)] }, satisfaction: { range: [0, 100] } },
    axes: [
      { stroke: line, font: "14px sans-serif", space: told.is_week ? 130 : 70, grid: { show: false }, values: (plot, times) => times.map(time => label(time, told)) },
      axis("people", 3, told.people_label, people, true),
      axis("satisfaction", 1, told.satisfaction_label, satisfaction, false),
    ],
    series: [
      { label: told.hour_label, value: (_, time) => (time === null ? "–" : label(time, told, true)) },
      { label: told.people_label, scale: "people", stroke: people, fill: people, paths: uPlot.paths.bars({ size: [0.7, 40], align: 1 }), points: { show: false }, value: (_, value) => number(value) },
      { label: told.satisfaction_label, scale: "satisfaction", stroke: satisfaction, width: 3, points: { show: true, size: 7 }, value: (_, value) => number(value) },
    ],
  };
  place.replaceChildren();
  return new uPlot(options, [told.at, told.people, told.satisfaction], place);
}

function label(seconds, told, whole = false) {
  const moment = new Date(seconds * 1000);
  const hour = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: told.timezone };
  const day = { weekday: "short", day: "numeric", timeZone: told.timezone };
  const language = document.documentElement.lang;
  const hours = new Intl.DateTimeFormat(language, hour).format(moment);
  if (!told.is_week) return hours;
  const days = new Intl.DateTimeFormat(language, day).format(moment);
  return whole || hours !== "00:00" ? `${days} ${hours}` : days;
}

function drawAll() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    let plot = draw(place);
    let width = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth && place.clientWidth !== width) {
        width = place.clientWidth;
        plot.setSize({ width, height: 240 });
      }
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plot.destroy(); plot = draw(place); });
  }
}

drawAll();
