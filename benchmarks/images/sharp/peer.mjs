// sharp, the peer of most Node sites. Called with a mode, a photo, a spec as JSON and perhaps a folder;
// prints what engine.py prints: CPU, wall-clock time, peak memory and files of this process.
import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const upright = (photo) => sharp(photo, { limitInputPixels: false }).autoOrient().toColourspace("srgb");
const raw = (pipeline) => pipeline.removeAlpha().raw().toBuffer({ resolveWithObject: true });
const from = ({ data, info: { width, height, channels } }) => sharp(data, { raw: { width, height, channels } });
const formats = (spec, crop) => Object.keys(spec.quality).filter((one) => !crop || spec.cropped.includes(one));
const sizesOf = (spec) => [
  ...spec.widths.map((width) => ({ crop: false, resize: { width, withoutEnlargement: true } })),
  ...spec.crops.map(([width, height]) => ({
    crop: true, resize: { width, height, fit: "cover", withoutEnlargement: true },
  })),
];

async function encoded(pipeline, format, spec, crop, { width, height }) {
  const hasty = format === "avif" && (crop || width * height > 2e6);
  const numbers = width < 480 ? spec.narrow : spec.quality;
  const options = { quality: hasty ? spec.hasty.quality : numbers[format] };
  if (format === "jpeg") {
    Object.assign(options, { progressive: true, optimiseCoding: true, quantisationTable: spec.table });
  }
  else if (spec.effort) options.effort = hasty ? spec.hasty.effort : spec.effort[format];
  const { data, info } = await pipeline[format](options).toBuffer({ resolveWithObject: true });
  return { format, width: info.width, height: info.height, crop, data };
}

// sharp at its best: one decode at the largest size, everything from raw pixels in memory.
async function once(photo, spec) {
  const base = await raw(upright(photo).resize({ width: Math.max(...spec.widths), withoutEnlargement: true }));
  const files = [];
  for (const { crop, resize } of sizesOf(spec)) {
    if (!crop && resize.width > base.info.width) continue;
    const same = !crop && resize.width === base.info.width;
    const size = same ? base : await raw(from(base).resize(resize));
    for (const format of formats(spec, crop)) files.push(await encoded(from(size), format, spec, crop, size.info));
  }
  return files;
}

// sharp as most people use it: a pipeline from the original for every file.
async function each(photo, spec) {
  const files = [];
  const whole = await sharp(photo).metadata();
  const { width: wide, height: high } = whole.autoOrient ?? whole;
  for (const { crop, resize } of sizesOf(spec))
    for (const format of formats(spec, crop))
      files.push(await encoded(upright(photo).resize(resize), format, spec, crop, {
        width: resize.width, height: resize.height ?? resize.width * high / wide,
      }));
  return files;
}

const [mode, photo, text, folder] = process.argv.slice(2);
const spec = JSON.parse(text);
const cpu = process.cpuUsage(), wall = performance.now();
const files = await { once, each }[mode](photo, spec);
const used = process.cpuUsage(cpu), took = performance.now() - wall;
const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
if (folder)
  for (const { format, width, height, crop, data } of files)
    writeFileSync(`${folder}/${width}x${height}${crop ? "c" : ""}.${format}`, data);
console.log(JSON.stringify({
  cpu: (used.user + used.system) / 1e6,
  wall: took / 1e3,
  peak,
  files: files.map(({ data, ...file }) => ({ ...file, bytes: data.length })),
}));
