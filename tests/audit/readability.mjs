// node readability.mjs FILE...: what Mozilla's Readability (Firefox's reader view) takes out of pages, as JSON by file.
import { readFileSync } from "node:fs";
import { Readability } from "@mozilla/readability";
import { JSDOM } from "jsdom";

const URL = "https://khabar.example/politics/story/";

function extract(html) {
  const { window } = new JSDOM(html, { url: URL });
  const found = new Readability(window.document).parse();
  const shown = new JSDOM(found.content, { url: URL }).window.document;
  return {
    headline: found.title,
    body: found.textContent,
    authors: [found.byline],
    date: found.publishedTime,
    image: shown.querySelector("img")?.src,
  };
}

const files = process.argv.slice(2);
console.log(JSON.stringify(Object.fromEntries(files.map((file) => [file, extract(readFileSync(file, "utf8"))]))));
