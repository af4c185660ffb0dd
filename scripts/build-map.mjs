// Makes public/world.svg from npm's world-atlas (Natural Earth, public domain): one element a country, named by its ISO 3166-1
// alpha-2 code, for pages to point at with <use href="/world.svg#DE">. And copies the font of flags for systems that draw none
// (Twemoji, CC-BY 4.0). Run it after updating either package: node scripts/build-map.mjs
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoCentroid, geoNaturalEarth1, geoPath } from "d3-geo";
import { feature } from "topojson-client";

const require = createRequire(import.meta.url);
const countries = require("i18n-iso-countries");
const atlas = (scale) => JSON.parse(readFileSync(require.resolve(`world-atlas/countries-${scale}.json`), "utf8"));

// The same as in app/src/components/world_map.rs.
const [width, height] = [960, 440];
// Natural Earth gives these no number.
const unnumbered = { Kosovo: "XK" };
const antarctica = "AQ";

const code = (shape) => (shape.id ? countries.numericToAlpha2(shape.id) : unnumbered[shape.properties.name]);

const coarse = atlas("110m");
const shapes = coarse.objects.countries.geometries.filter((shape) => code(shape) !== antarctica);
const world = { type: "GeometryCollection", geometries: shapes };
const projection = geoNaturalEarth1().fitExtent([[4, 4], [width - 4, height - 4]], feature(coarse, world));
const draw = geoPath(projection).digits(1);

const land = [];
const dots = [];
const drawn = new Set();
for (const shape of shapes) {
  const name = code(shape);
  const named = name && !drawn.has(name); // Somaliland and Northern Cyprus have no code: they are land, nothing more
  if (named) drawn.add(name);
  land.push(`<path${named ? ` id="${name}"` : ""} d="${draw(feature(coarse, shape))}"/>`);
}

// Countries too small for the coarse atlas are dots, where the finer one has their middle.
const fine = atlas("50m");
for (const shape of fine.objects.countries.geometries) {
  const name = code(shape);
  if (!name || name === antarctica || drawn.has(name)) continue;
  const point = projection(geoCentroid(feature(fine, shape)));
  if (!point) continue;
  drawn.add(name);
  dots.push(`<circle id="${name}" cx="${point[0].toFixed(1)}" cy="${point[1].toFixed(1)}" r="3"/>`);
}

const missing = Object.keys(countries.getAlpha2Codes()).filter((name) => !drawn.has(name) && name !== antarctica);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"><defs>\n<g id="land">\n${land.join("\n")}\n</g>\n${dots.join("\n")}\n</defs></svg>\n`;
writeFileSync(new URL("../public/world.svg", import.meta.url), svg);
copyFileSync(
  new URL("../node_modules/country-flag-emoji-polyfill/dist/TwemojiCountryFlags.woff2", import.meta.url),
  new URL("../public/flags.woff2", import.meta.url),
);
console.log(`public/world.svg: ${drawn.size} countries, ${Math.round(svg.length / 1024)} KB; not on the map: ${missing.join(" ")}`);
