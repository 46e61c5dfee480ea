// node lighthouse.mjs ROUNDS URL...: what Lighthouse says of pages on its phone and its slow line, as JSON by URL, an
// entry a round. One Chromium for all of it; Lighthouse clears its cache. A first look at each page warms the edge.
// Where the machine is slower than Lighthouse expects (an index below 1000), it warns and asks for a smaller CPU
// slowdown, so that the simulated phone stays the same one. That index is each time the one of the look before.
import lighthouse from "lighthouse";
import { throttling } from "lighthouse/core/config/constants.js";
import { launch } from "chrome-launcher";

const EXPECTED = 1000;
const QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const USUAL = throttling.mobileSlow4G;

function short({ lhr: { categories, audits, environment, configSettings } }) {
  const weighed = Object.values(categories).flatMap(({ auditRefs }) => auditRefs.filter(({ weight }) => weight > 0));
  const lost = weighed.map(({ id }) => audits[id]).filter(({ score }) => score !== null && score < 1);
  const asked = audits["network-requests"].details.items.map(({ url }) => url);
  const value = (id) => audits[id].numericValue;
  return {
    scores: Object.fromEntries(Object.entries(categories).map(([id, { score }]) => [id, Math.round(score * 100)])),
    lost: lost.map(({ id, displayValue }) => `${id} ${displayValue ?? ""}`.trim()),
    requests: asked.filter((url) => url.startsWith("http")),
    bytes: value("total-byte-weight"),
    lcp: value("largest-contentful-paint"),
    tbt: value("total-blocking-time"),
    cls: value("cumulative-layout-shift"),
    index: environment.benchmarkIndex,
    slowdown: configSettings.throttling.cpuSlowdownMultiplier,
  };
}

const [rounds, ...urls] = process.argv.slice(2);
const chrome = await launch({ chromePath: process.env.CHROME_PATH, chromeFlags: QUIET, logLevel: "error" });
let index = EXPECTED;

async function look(url, categories) {
  const slowdown = Math.max(1, Math.min(1, index / EXPECTED) * USUAL.cpuSlowdownMultiplier);
  const found = await lighthouse(url, {
    port: chrome.port, output: [], logLevel: "error", onlyCategories: categories,
    throttling: { ...USUAL, cpuSlowdownMultiplier: slowdown },
  });
  index = found.lhr.environment.benchmarkIndex;
  return found;
}

try {
  for (const url of urls) await look(url, ["seo"]);
  const pages = Object.fromEntries(urls.map((url) => [url, []]));
  for (let round = 0; round < Number(rounds); round += 1)
    for (const url of urls) pages[url].push(short(await look(url, CATEGORIES)));
  console.log(JSON.stringify(pages));
} finally {
  chrome.kill();
}
