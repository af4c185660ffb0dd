// `pulsecast dev DIR`: a saved file reloads the page, a saved style sheet only changes its looks.
import { expect, test } from "@playwright/test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string;
let server: ChildProcess;
let url: string;

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecast-dev-"));
  await writeFile(join(folder, "index.html"), page("one"));
  await writeFile(join(folder, "style.css"), "h1 { color: rgb(255, 0, 0) }");
  server = spawn(process.env.PULSECAST_BIN!, ["dev", folder, "--addr", "127.0.0.1:0"]);
  url = await new Promise((resolve, reject) => {
    server.stdout!.on("data", (text) => {
      const said = /listening on (\S+)/.exec(String(text));
      if (said) resolve(said[1]);
    });
    server.on("exit", (code) => reject(new Error(`pulsecast dev ended with ${code}`)));
  });
});

test.afterEach(async () => {
  server.kill("SIGTERM");
  await rm(folder, { recursive: true });
});

const page = (title: string) =>
  `<!DOCTYPE html><link rel="stylesheet" href="style.css"><body><h1>${title}</h1><input aria-label="Name"></body>`;

test("a saved page is loaded anew in every window that shows it", async ({ page: first, context }) => {
  await first.goto(url);
  const second = await context.newPage();
  await second.goto(url);
  await expect(first.locator("h1")).toHaveText("one");
  await writeFile(join(folder, "index.html"), page("two"));
  await expect(first.locator("h1")).toHaveText("two");
  await expect(second.locator("h1")).toHaveText("two");
});

test("a saved style sheet changes the looks and keeps what was typed", async ({ page: window }) => {
  await window.goto(url);
  await window.getByLabel("Name").fill("Ann");
  await expect(window.locator("h1")).toHaveCSS("color", "rgb(255, 0, 0)");
  await writeFile(join(folder, "style.css"), "h1 { color: rgb(0, 0, 255) }");
  await expect(window.locator("h1")).toHaveCSS("color", "rgb(0, 0, 255)");
  await expect(window.locator("link")).toHaveCount(1);
  await expect(window.getByLabel("Name")).toHaveValue("Ann");
});

test("a page that is not there yet shows up when it is saved", async ({ page: window }) => {
  await window.goto(`${url}/later`);
  await expect(window.locator("h1")).toHaveText("There is no such file");
  await writeFile(join(folder, "later.html"), page("here"));
  await expect(window.locator("h1")).toHaveText("here");
});
