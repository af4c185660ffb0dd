// Writes server/data/regions.tsv: ISO 3166-2 codes and what each region calls itself, of npm's iso-3166 (MIT). The result is checked in,
// so that nobody's build needs the package: npm install --no-save iso-3166@4.4.0 && node scripts/build-regions.mjs
import { writeFileSync } from "node:fs";
import { iso31662 } from "iso-3166";

const order = (a, b) => (a.code < b.code ? -1 : 1);
const rows = iso31662.toSorted(order).map(({ code, name }) => `${code}\t${name}`);
writeFileSync(new URL("../server/data/regions.tsv", import.meta.url), rows.join("\n") + "\n");
console.log(`${rows.length} regions`);
