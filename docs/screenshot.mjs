// Makes docs/dashboard.png: starts the server that `make run` or `make test` built, sends it half an hour of a small site's visits, opens a
// few pages and takes the picture. `source scripts/env.sh && node docs/screenshot.mjs [BINARY]`
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const root = new URL("..", import.meta.url).pathname;
const binary = process.argv[2] ?? join(process.env.CARGO_TARGET_DIR ?? "", "release/pulsecast");
const data = mkdtempSync(join(tmpdir(), "pulsecast-picture-"));
const server = spawn(binary, ["serve", "--addr", "127.0.0.1:0", "--data", data, "--site-root", join(root, "target/site"), "--trusted-proxies", "127.0.0.1"], {
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
for await (const piece of server.stdout) {
  said += piece;
  if (said.includes("create the first account: ")) break;
}
const base = said.match(/listening on (\S+)/)[1];
const link = said.match(/first account: (\S+)/)[1];

// The same visits each time: mulberry32.
let state = 42;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const skewed = (list) => list[Math.floor(random() ** 2 * list.length)];
const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const browsers = [
  `${windows} Chrome/141.0.0.0 Safari/537.36`,
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
  `${mac} Version/18.1 Safari/605.1.15`,
  "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
  `${windows} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0`,
];
const networks = ["81.169.145", "8.8.8", "90.0.0", "133.11.0", "5.9.1", "151.1.1", "200.160.2", "1.1.1", "49.36.1", "185.86.151", "41.0.0", "194.71.11", "36.66.1"];
const paths = ["/", "/blog/why-we-push", "/pricing", "/docs/install", "/blog/one-binary", "/docs", "/changelog", "/about"];
const referrers = [undefined, "https://news.ycombinator.com/", "https://www.google.com/", undefined, "https://github.com/", "https://lobste.rs/", "https://bsky.app/", "https://www.linkedin.com/"];
const domain = "harbour.example";

async function visit(age) {
  const body = { n: random() < 0.08 ? "Signup" : "pageview", d: domain, u: `https://${domain}${skewed(paths)}`, r: skewed(referrers), w: 1440, a: Math.floor(age) };
  const headers = { "user-agent": skewed(browsers), "x-forwarded-for": `${skewed(networks)}.${1 + Math.floor(random() * 250)}` };
  const answer = await fetch(`${base}/api/event`, { method: "POST", headers, body: JSON.stringify(body) });
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 1010 } });
await page.goto(link);
await page.fill("input[name=email]", "ann@harbour.example");
await page.fill("input[name=password]", "correct horse battery");
await page.click("button[type=submit]");
await page.waitForURL(`${base}/`);
await page.goto(`${base}/sites/new`);
await page.fill("input[name=domain]", domain);
await page.click("main button[type=submit]");
await page.waitForURL(`**/sites/${domain}/live`);
const minute = 60_000;
const ages = Array.from({ length: 420 }, () => random() ** 1.2 * 29 * minute).sort((a, b) => b - a);
for (const age of ages) await visit(age);
// Visitors with a page open, as live.js holds them.
const sockets = [];
for (let n = 0; n < 23; n++) {
  const socket = new (await import("ws")).default(`${base.replace("http", "ws")}/connection/websocket`, { origin: `https://${domain}` });
  socket.on("open", () => socket.send(`{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"online:${domain}"}}`));
  sockets.push(socket);
}
await page.goto(`${base}/sites/${domain}/live`);
await page.getByTestId("online-now").filter({ hasText: "23" }).waitFor();
await visit(0);
await page.getByTestId("status").filter({ hasText: "Live" }).waitFor();
await page.screenshot({ path: join(root, "docs/dashboard.png") });
await browser.close();
sockets.forEach((socket) => socket.terminate());
server.kill("SIGTERM");
