// A site with a known history: three days of a made-up site, restored event by event, and what the tests' oracle says of them
// (server/tests/stats_oracle/known.rs writes both fixtures). So a number on the screen can be held against the API's and the oracle's.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import type { Owner } from "./actors.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

type Value = number | null | { value: number; currency: string };
export type Row = { dimensions: string[]; metrics: Value[] };
export type Answer = { query: Record<string, unknown>; results: Row[] };
type Goal = { name: string; goal_type: string; path?: string; event?: string; threshold?: number; currency?: string; props?: [string, string][] };

const file = JSON.parse(readFileSync(fixture("known-answers.json"), "utf8")) as {
  site: { domain: string; timezone: string };
  goals: Goal[];
  answers: Record<string, Answer>;
  funnels: Record<string, { steps: string[]; answer: { all_visitors: number; steps: { label: string; visitors: number }[] } }>;
};

export class Known {
  static readonly domain = file.site.domain;
  /** The three days, as the address has them. */
  static readonly days = "period=custom&from=2026-03-28&to=2026-03-30";

  private constructor(readonly owner: Owner) {}

  /** Adds the site with its goals and a funnel, and restores its history. */
  static async of(owner: Owner): Promise<Known> {
    const domain = Known.domain;
    await owner.posts("/fn/add-site", { domain, timezone: file.site.timezone });
    for (const goal of file.goals) {
      const props = (goal.props ?? []).map(([key, value]) => `${key}=${value}`).join("\n");
      await owner.posts("/fn/add-goal", {
        domain,
        kind: goal.goal_type,
        name: goal.name,
        path: goal.path ?? "",
        event: goal.event ?? "",
        threshold: String(goal.threshold ?? ""),
        currency: goal.currency ?? "",
        props,
      });
    }
    await owner.server.command("import", "--site", domain, fixture("known-history.ndjson"));
    return new Known(owner);
  }

  /** What the oracle says. */
  answer(name: string): Answer {
    const answer = file.answers[name];
    if (!answer) throw new Error(`the known history has no answer "${name}"`);
    return answer;
  }

  funnel(name: string) {
    return file.funnels[name];
  }

  /** Adds one of the oracle's funnels, as its form does. */
  async adds(funnel: string): Promise<void> {
    const page = this.owner.page;
    await page.goto(`${this.owner.server.url}/sites/${Known.domain}/settings/funnels`);
    await page.getByLabel("Name").fill(funnel);
    const selects = page.locator("select[name^='steps']");
    for (const [i, step] of this.funnel(funnel).steps.entries()) await selects.nth(i).selectOption({ label: step });
    await page.getByRole("button", { name: /Add/ }).click();
    await page.waitForURL(/done=/);
  }

  /** What the API says to the same question. */
  async asks(query: Record<string, unknown>): Promise<Row[]> {
    const answer = await this.owner.context.request.post(`${this.owner.server.url}/api/v2/query`, { data: query, headers: { origin: this.owner.server.url } });
    if (!answer.ok()) throw new Error(`the API answered ${answer.status()}: ${await answer.text()}`);
    return (await answer.json()).results;
  }

  /** Opens the dashboard of the three days, with this added to its address. */
  async opens(more = "", page: Page = this.owner.page): Promise<Page> {
    await page.goto(`${this.owner.server.url}/sites/${Known.domain}?${Known.days}${more && `&${more}`}`);
    return page;
  }
}

/** A number as the screen has it, without what separates its thousands. */
export const number = (text: string) => Number(text.replace(/[^\d.]/g, ""));

/** The rows of a card. */
export function rows(page: Page, card: string): Promise<{ name: string; figures: string[] }[]> {
  return page
    .getByTestId(`card-${card}`)
    .getByTestId("row")
    .evaluateAll((rows) =>
      rows.map((row) => ({
        name: row.querySelector(".row__link")?.textContent ?? "",
        figures: [...row.querySelectorAll(".row__figure")].map((figure) => figure.textContent ?? ""),
      })),
    );
}

/** One of the headline figures. */
export async function figure(page: Page, metric: string): Promise<number> {
  return number((await page.getByTestId(`figure-${metric}`).getAttribute("title")) ?? "");
}
