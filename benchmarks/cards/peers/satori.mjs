// satori with resvg and sharp, warm: reads a job in JSON a line, answers with CPU, wall clock and bytes.
// "best": the photo is decoded once for all formats and shrunk by sharp, resvg draws only what lies over it.
// "usual": sharp shrinks the photo to a JPEG that stands in the SVG, resvg draws everything and writes a PNG.
import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { Resvg } from "@resvg/resvg-js";
import satori from "satori";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const [mode, boldFile, mediumFile] = process.argv.slice(2);
const fonts = [[boldFile, 700], [mediumFile, 500]].map(([file, weight]) => ({
  name: "IBM Plex Sans Arabic", data: readFileSync(file), weight, style: "normal",
}));
const box = (style, ...children) => ({
  type: "div",
  props: { style: { display: "flex", ...style }, children: children.length === 1 ? children[0] : children },
});

const VEIL = "linear-gradient(to bottom, rgba(5,8,14,0) 20%, rgba(5,8,14,.7) 55%, rgba(5,8,14,.9))";

// `behind` is what the words stand on: nothing for a plain card.
function card({ headline, label, date, site, direction }, logo, [width, height], behind) {
  const unit = Math.sqrt((width * height) / (1200 * 630));
  const px = (measure) => Math.round(measure * unit);
  return box(
    {
      width, height, boxSizing: "border-box", flexDirection: "column", justifyContent: "flex-end", alignItems: "flex-start", color: "#fff",
      padding: `0 ${px(64)}px`, fontFamily: "IBM Plex Sans Arabic", direction,
      ...(behind ? { backgroundImage: behind } : { backgroundColor: "#0f172a" }),
    },
    box({ backgroundColor: "#be123c", borderRadius: px(8), padding: `${px(6)}px ${px(20)}px`, fontSize: px(27) }, label),
    box({
      display: "block", width: width - 2 * px(64), fontSize: px(60), fontWeight: 700, lineHeight: 1.34,
      textAlign: "start", margin: `${px(22)}px 0 ${px(10)}px`,
    }, headline),
    box(
      { width: width - 2 * px(64), height: px(84), alignItems: "center", justifyContent: "space-between" },
      box({ alignItems: "center", fontSize: px(30), fontWeight: 700 },
        { type: "img", props: { src: logo, width: px(153), height: px(46) } }, box({ margin: `0 ${px(24)}px` }, site)),
      box({ fontSize: px(25), fontWeight: 500 }, date),
    ),
  );
}

const logos = new Map();
function logoOf(file) {
  if (!logos.has(file)) logos.set(file, `data:image/png;base64,${readFileSync(file).toString("base64")}`);
  return logos.get(file);
}

const pixels = (svg) => new Resvg(svg, { font: { loadSystemFonts: false } }).render();

async function usual({ story, hero, logo, sizes }) {
  const files = [];
  for (const [width, height] of sizes) {
    const photo = hero && await sharp(readFileSync(hero)).resize(width, height, { fit: "cover" }).jpeg({ quality: 90 })
      .toBuffer();
    const behind = photo && `${VEIL}, url(data:image/jpeg;base64,${photo.toString("base64")})`;
    const svg = await satori(card(story, logoOf(logo), [width, height], behind), { width, height, fonts });
    files.push(await sharp(pixels(svg).asPng()).jpeg({ quality: 85 }).toBuffer());
  }
  return files;
}

async function best({ story, hero, logo, sizes }) {
  let photo = hero ? sharp(readFileSync(hero)) : null;
  if (photo && sizes.length > 1) {
    const { data, info: { width, height, channels } } = await photo.raw().toBuffer({ resolveWithObject: true });
    photo = sharp(data, { raw: { width, height, channels } });
  }
  const files = [];
  for (const [width, height] of sizes) {
    const svg = await satori(card(story, logoOf(logo), [width, height], photo && VEIL), { width, height, fonts });
    const over = pixels(svg);
    const raw = { width, height, channels: 4 };
    const image = photo
      ? photo.clone().resize(width, height, { fit: "cover" }).composite([{ input: over.pixels, raw }])
      : sharp(over.pixels, { raw }).removeAlpha();
    files.push(await image.jpeg({ quality: 85 }).toBuffer());
  }
  return files;
}

// One line of a headline, white on black, as a PNG: what the judge looks at.
async function line({ text, language, direction, size, width, file }) {
  const height = 3 * size;
  const words = box({
    width, height, alignItems: "center",
    fontFamily: "IBM Plex Sans Arabic", fontWeight: 700, fontSize: size, color: "#fff", backgroundColor: "#000",
    whiteSpace: "nowrap", direction, textAlign: "start",
  }, { type: "div", props: { lang: language, style: { display: "block" }, children: text } });
  writeFileSync(file, pixels(await satori(words, { width, height, fonts })).asPng());
  return [];
}

for await (const text of createInterface({ input: process.stdin })) {
  const job = JSON.parse(text);
  const cpu = process.cpuUsage(), wall = performance.now();
  const files = await { best, usual, line }[mode](job);
  const used = process.cpuUsage(cpu), took = performance.now() - wall;
  for (const [at, data] of job.folder ? files.entries() : [])
    writeFileSync(`${job.folder}/satori-${mode}-${job.formats[at]}.jpg`, data);
  const bytes = files.map((data) => data.length);
  console.log(JSON.stringify({ cpu: (used.user + used.system) / 1e6, wall: took / 1e3, bytes }));
}
