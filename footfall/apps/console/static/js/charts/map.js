// The world, shaded by visitors. Natural Earth's outlines, drawn in the Natural Earth projection.

import "../../vendor/topojson-client.min.js";
import { country, number, percent } from "../format.js";
import { colour, echarts, mixed, mount, tip, tooltip } from "./echarts.js";

const WORLD = new URL("../../vendor/world.json", import.meta.url);
let loading = null;

function register() {
  loading ??= fetch(WORLD, { credentials: "same-origin" })
    .then((response) => { if (!response.ok) throw new Error("the map is missing"); return response.json(); })
    .then((topology) => echarts.registerMap("world", globalThis.topojson.feature(topology, "countries")))
    .catch((error) => { loading = null; throw error; });
  return loading;
}

/** Natural Earth: the polynomial of Šavrič, Jenny, Patterson, Petrovič, Hurni (2011). */
export function project([longitude, latitude]) {
  const [l, p] = [(longitude * Math.PI) / 180, (latitude * Math.PI) / 180];
  const q = p * p;
  const f = q * q;
  const x = l * (0.8707 - 0.131979 * q + f * (-0.013791 + f * (0.003971 * q - 0.001529 * f)));
  const y = p * (1.007226 + q * (0.015085 + f * (-0.044475 + 0.028874 * q - 0.005916 * f)));
  return [x * 100, -y * 100];
}

function unproject([x, y]) {
  // Newton's method for the latitude; the longitude is then linear.
  let p = -y / 100;
  for (let turn = 0; turn < 12; turn += 1) {
    const at = -project([0, (p * 180) / Math.PI])[1] / 100;
    const near = -project([0, ((p + 1e-4) * 180) / Math.PI])[1] / 100;
    p -= ((at + y / 100) * 1e-4) / (near - at);
  }
  const latitude = (p * 180) / Math.PI;
  return [(x / project([1, latitude])[0]), latitude];
}

export function map(body, records) {
  const all = records.reduce((sum, record) => sum + record.visitors, 0) || 1;
  const most = Math.max(...records.map((record) => record.visitors), 1);
  const found = new Map(records.map((record) => [record.country, record]));
  let undo = null;
  let gone = false;
  register().then(() => {
    if (gone) return;
    undo = mount(body, `World map of visitors: ${records.slice(0, 5).map((record) => `${country(record.country)} ${record.visitors}`).join(", ")}`, {
      tooltip: {
        ...tooltip(),
        trigger: "item",
        formatter: ({ name }) => {
          const record = found.get(name);
          const rows = record ? [["Visitors", number(record.visitors)], ["Share", percent(record.visitors / all)], ["Events", number(record.events)]] : [["Visitors", "0"]];
          return tip(country(name), rows);
        },
      },
      series: [{
        type: "map", map: "world", nameProperty: "name", projection: { project, unproject }, roam: false, selectedMode: false,
        left: 4, right: 4, top: 4, bottom: 4,
        itemStyle: { areaColor: mixed("--surface", "--line-strong", 0.42), borderColor: colour("--surface"), borderWidth: 0.6 },
        label: { show: false },
        emphasis: { label: { show: false }, itemStyle: { areaColor: mixed("--accent", "--ink", 0.25) } },
        data: records.filter((record) => /^[A-Z]{2}$/.test(record.country ?? "")).map((record) => ({
          name: record.country, value: record.visitors,
          itemStyle: { areaColor: mixed("--surface", "--accent", 0.22 + 0.78 * Math.sqrt(record.visitors / most)) },
        })),
      }],
    });
  }).catch((error) => { if (!gone) body.append(error.message); });
  return () => {
    gone = true;
    undo?.();
  };
}
