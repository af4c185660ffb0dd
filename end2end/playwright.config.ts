// The browser tests: the real program, the real database, a real browser. `make e2e` builds what they need and runs them.
import { defineConfig } from "@playwright/test";
import { USER_AGENT } from "./support/server.ts";

export default defineConfig({
  testDir: ".",
  testMatch: "**/*.spec.ts",
  workers: 1,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: "list",
  outputDir: "test-results",
  use: {
    browserName: "chromium",
    userAgent: USER_AGENT,
    actionTimeout: 10_000,
    // A trace of everything doubles the time it takes: `playwright test -c end2end --trace on` when a failure needs one.
    screenshot: "only-on-failure",
    launchOptions: {
      // The browser of the machine: none is downloaded, and it keeps to itself.
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: [
        // A person's: the headless one is a bot's, and is left out. Here too, because what a page sends while it is left goes out
        // under the browser's own name, not the context's.
        `--user-agent=${USER_AGENT}`,
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--no-first-run",
        // Sites with names of their own, all on this machine.
        "--host-resolver-rules=MAP *.example 127.0.0.1",
      ],
    },
  },
});
