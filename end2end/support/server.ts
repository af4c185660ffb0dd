// The program itself, on a port and a data directory of its own: started, stopped, killed and started again where it was.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const PATIENCE = 20_000;

function binary(): string {
  const named = process.env.PULSECAST_BIN;
  if (!named) throw new Error("PULSECAST_BIN is not set: run `make e2e`, or set it to the program that is to be tested");
  return named;
}

export class Server {
  /** Where it answers: `http://127.0.0.1:40123`. The same after a restart. */
  url = "";
  /** All that it has written, for when a test wants to know why. */
  log = "";
  #process?: ChildProcess;
  #setupUrl = "";

  private constructor(
    readonly data: string,
    readonly flags: string[],
  ) {}

  /** A new server with nothing in it but the demo site. `flags` of `pulsecast serve`, if any. */
  static async start(flags: string[] = []): Promise<Server> {
    const server = new Server(await mkdtemp(path.join(tmpdir(), "pulsecast-e2e-")), flags);
    try {
      await server.#run("127.0.0.1:0");
    } catch (error) {
      await server.discard();
      throw error;
    }
    return server;
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends it without a word of warning. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Starts it again on the same port and data; stops it first where it runs. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#run(new URL(this.url).host);
  }

  /** Stops it and removes its data. */
  async discard(): Promise<void> {
    await this.kill9();
    await rm(this.data, { recursive: true, force: true });
  }

  /** Runs another command of the program on the same data: `command("site", "add", "example.com")`. Returns what it printed. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary(), [...args, "--data", this.data], { timeout: PATIENCE });
    return stdout;
  }

  /** The one-time link for the first account. It is printed after the address, so it may still be on its way. */
  async firstAccount(): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    while (!this.#setupUrl) {
      if (Date.now() > deadline) throw new Error(`the server printed no link for the first account:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#setupUrl;
  }

  /** Posts an event as a page's script does. Returns the answer. */
  event(body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/api/event`, { method: "POST", headers: { "user-agent": USER_AGENT, ...headers }, body: JSON.stringify(body) });
  }

  /** A counter of /metrics by its name and labels as they stand there; 0 where it has not been counted yet. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return line ? Number(line.slice(name.length + 1)) : 0;
  }

  async #run(addr: string): Promise<void> {
    const site = process.env.LEPTOS_SITE_ROOT || path.join(root, "target/site");
    const args = ["serve", "--addr", addr, "--data", this.data, "--site-root", site, ...this.flags];
    const child = spawn(binary(), args, { stdio: ["ignore", "pipe", "pipe"], cwd: this.data });
    this.#process = child;
    this.#setupUrl = "";
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the server ${why}:\n${said}`));
      const timer = setTimeout(() => fail(`did not say where it listens within ${PATIENCE} ms`), PATIENCE);
      const hear = (chunk: Buffer) => {
        said += chunk;
        this.log += chunk;
        this.#setupUrl = /create the first account: (\S+)\s/.exec(said)?.[1] ?? this.#setupUrl;
        const listening = /listening on (http:\/\/\S+?)\/?\s/.exec(said)?.[1];
        if (!listening) return;
        this.url = listening;
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.on("data", hear);
      child.stderr?.on("data", hear);
      child.once("error", (error) => {
        clearTimeout(timer);
        fail(`could not be started (${error.message})`);
      });
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${signal ?? code} before it listened`);
      });
    });
    await this.#ready();
  }

  /** Waits until it would take events; it may say where it listens before its stores are open. */
  async #ready(): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error(`the server is not ready (${answer?.status ?? "no answer"}):\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    child.kill(signal);
    await ended;
    clearTimeout(late);
  }
}

/** An ordinary browser: the one that the tests drive calls itself headless, and would be taken for the bot that it is. */
export const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
