// node structured.mjs FILE...: what structured-data-testing-tool says of pages, as JSON by file.
// It reads one type to a script and knows no @graph (4.5.0 is older than most that read it), so each node of the
// graph becomes a script of its own first. Nothing else of the page is changed, and nothing is fetched.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { structuredDataTest } = require("structured-data-testing-tool");
const { Google, Twitter, Facebook } = require("structured-data-testing-tool/presets");

const SCRIPT = /<script type="?application\/ld\+json"?>(.*?)<\/script>/gs;

function split(html) {
  return html.replace(SCRIPT, (_, text) => {
    const { "@graph": nodes, ...rest } = JSON.parse(text);
    const parts = (nodes ?? [{}]).map((node) => JSON.stringify({ ...rest, ...node }).replaceAll("</", "<\\/"));
    return parts.map((part) => `<script type="application/ld+json">${part}</script>`).join("\n");
  });
}

async function judge(html) {
  const types = [...split(html).matchAll(SCRIPT)].map(([, text]) => JSON.parse(text)["@type"]);
  const options = { presets: [Google, Twitter, Facebook], schemas: types.map((type) => `jsonld:${type}`) };
  const found = await structuredDataTest(split(html), options).catch((error) => error.res ?? Promise.reject(error));
  const told = ({ group, test, error }) => `${group}: ${test} ${error?.message ?? ""}`.trim();
  return { types, passed: found.passed.length, failed: found.failed.map(told), warnings: found.warnings.map(told) };
}

const found = {};
for (const file of process.argv.slice(2)) found[file] = await judge(readFileSync(file, "utf8"));
console.log(JSON.stringify(found));
