// Asks a server with npm's `plausible`, a client of Plausible's Stats API, and writes what it got as JSON. Arguments: address, key, site.
import Plausible from "plausible";

const [, , address, key, site] = process.argv;
const plausible = new Plausible(key, site, address);
const dates = "2026-03-28,2026-03-30";

const answers = {
  realtime: await plausible.getRealtime(),
  visitors: await plausible.getAggregate("custom", "visitors", null, null, dates),
  compared: await plausible.getAggregate("day", "visitors", true, null, "2026-03-30"),
  germany: await plausible.getAggregate("custom", "visitors", null, "visit:country==DE", dates),
  days: await plausible.getTimeseries("custom", "visitors", null, "date", dates),
  sources: await plausible.getBreakdown("custom", "visitors", "visit:source", null, 3, 1, dates),
  refusal: await new Plausible(key, "nowhere.example", address).getRealtime().catch((error) => error.message),
};
console.log(JSON.stringify(answers));
