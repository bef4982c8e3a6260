// The learning curve: accuracy on held-out labels by prompt version, drawn and as a table.

import { call } from "./api.js";
import { count, fill, last, make, percent } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const HEIGHT = 280;
const EDGE = { left: 64, right: 32, top: 22, bottom: 56 };

export async function drawCurve(element, pool) {
  const { prompt_versions: newestFirst } = await call("ListPromptVersions", { parent: `pools/${pool}`, page_size: 200 });
  const rows = readVersions(newestFirst.toReversed());
  const points = rows.filter((row) => row.accuracy !== null);
  const note = "Share of the labels held out of training that each prompt version predicts. Every version is judged by the labels that there were when it was trained.";
  const none = "No version has been compared on held-out labels yet: that begins when enough images are labeled and a version is trained.";
  fill(
    element,
    make("p", { className: "soft" }, points.length ? note : none),
    ...(points.length ? [chart(points)] : []),
    table(rows),
  );
}

export function readVersions(versions) {
  const rows = versions.map((version) => {
    const { promotion } = version;
    return {
      number: Number(last(version.name)),
      labels: Number(version.label_count),
      accuracy: promotion?.accuracy ?? null,
      before: promotion?.active_accuracy ?? null,
      heldOut: Number(promotion?.held_out ?? 0),
      active: version.active,
      refused: promotion ? !promotion.promoted : false,
      against: promotion?.compared_with ? Number(last(promotion.compared_with)) : null,
    };
  });
  // A version that was never a challenger, as zero-shot, was measured when it was challenged.
  for (const row of rows) {
    const challenge = rows.find((other) => other.against === row.number && other.before !== null);
    if (row.accuracy === null && challenge) {
      row.accuracy = challenge.before;
      row.heldOut = challenge.heldOut;
    }
  }
  return rows;
}

function chart(points) {
  const most = Math.max(1, ...points.map((point) => point.labels));
  const x = (labels) => EDGE.left + (labels / most) * (WIDTH - EDGE.left - EDGE.right);
  const y = (accuracy) => EDGE.top + (1 - accuracy) * (HEIGHT - EDGE.top - EDGE.bottom);
  const said = points.map((point) => `version ${point.number}, ${count(point.labels)} labels: ${percent(point.accuracy)}`);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": `Accuracy on held-out labels. ${said.join("; ")}.` });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(draw("line", { class: "gridline", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(share), y2: y(share) }));
    svg.append(draw("text", { class: "tick-text end", x: EDGE.left - 8, y: y(share) + 4 }, `${100 * share}%`));
  }
  for (const labels of new Set([0, Math.round(most / 2), most])) {
    svg.append(draw("text", { class: "tick-text middle", x: x(labels), y: HEIGHT - EDGE.bottom + 22 }, count(labels)));
  }
  svg.append(draw("text", { class: "tick-text middle", x: (EDGE.left + WIDTH - EDGE.right) / 2, y: HEIGHT - 6 }, "labels it was trained with"));
  const taken = points.filter((point) => !point.refused);
  svg.append(draw("polyline", { class: "curve-line", points: taken.map((point) => `${x(point.labels)},${y(point.accuracy)}`).join(" ") }));
  for (const point of points) {
    svg.append(draw("circle", { class: `dot${point.refused ? " refused" : ""}${point.active ? " active" : ""}`, cx: x(point.labels), cy: y(point.accuracy), r: point.active ? 6 : 4.5 }));
  }
  const end = points.findLast((point) => point.active) ?? points.at(-1);
  const high = y(end.accuracy) > EDGE.top + 24;
  svg.append(draw("text", { class: "value end", x: Math.max(x(end.labels) + 4, EDGE.left + 40), y: y(end.accuracy) + (high ? -14 : 24) }, percent(end.accuracy)));
  return svg;
}

function table(rows) {
  const head = ["Version", "Labels", "Accuracy", "Held out", "State"];
  const body = rows.toReversed().map((row) => make("tr", {},
    make("th", { scope: "row" }, row.number === 0 ? "0 (zero-shot)" : String(row.number)),
    make("td", { className: "n" }, count(row.labels)),
    make("td", { className: "n" }, row.accuracy === null ? "–" : percent(row.accuracy)),
    make("td", { className: "n" }, row.heldOut ? count(row.heldOut) : "–"),
    make("td", {}, row.active ? "active" : row.refused ? "refused" : "earlier"),
  ));
  return make("table", { className: "versions" },
    make("caption", { className: "hidden-text" }, "Prompt versions, newest first"),
    make("thead", {}, make("tr", {}, ...head.map((text, index) => make("th", { scope: "col", className: index && index < 4 ? "n" : "" }, text)))),
    make("tbody", {}, ...body));
}

function draw(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}
