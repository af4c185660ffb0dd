// pulse.js over time: how long a page is read, what waits until the server can be reached, and who does not want to be counted.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { START, builds, report, page, settle, storage } from "./world.js";

for (const [build, scripts] of Object.entries(builds)) {
  const open = async (options) => {
    const world = page(options);
    await world.run(scripts);
    return world;
  };

  describe(`engagement, ${build}`, () => {
    test("a page that is hidden reports how long it was read and how far", async () => {
      const world = await open();
      world.scroll(1200);
      world.scroll(100);
      await world.pass(4200);
      world.hide(true);
      assert.deepEqual(world.last(), report("beacon-engagement"));
      assert.equal(world.requests.at(-1).init.keepalive, true);
    });

    test("time in the background or without focus is not reading", async () => {
      const world = await open();
      await world.pass(2000);
      world.focus(false);
      await world.pass(60_000);
      world.focus(true);
      await world.pass(3000);
      world.hide(true);
      await world.pass(60_000);
      world.hide(false);
      await world.pass(4000);
      world.fire("pagehide");
      assert.deepEqual(world.bodies.filter((b) => b.n === "engagement").map((b) => b.e), [5000, 4000]);
    });

    test("leaving says it once, though the browser says it twice", async () => {
      const world = await open();
      await world.pass(5000);
      world.fire("pagehide");
      world.hide(true);
      assert.deepEqual(world.names(), ["pageview", "engagement"]);
    });

    test("a glance back of less than three seconds is kept for the next report", async () => {
      const world = await open();
      world.hide(true);
      world.hide(false);
      await world.pass(2000);
      world.hide(true);
      assert.deepEqual(world.names(), ["pageview", "engagement"]);
      world.hide(false);
      await world.pass(2000);
      world.hide(true);
      assert.equal(world.last().e, 4000);
    });

    test("moving on within the app reports the page that was left, and starts anew", async () => {
      const world = await open();
      world.scroll(2600); // the page has become shorter since
      await world.pass(3500);
      world.history.pushState({}, "", "/next");
      const [, left, next] = world.bodies;
      assert.deepEqual([left.n, left.u, left.sd, left.e], ["engagement", report("beacon-pageview").u, 100, 3500]);
      assert.deepEqual([next.n, next.u], ["pageview", "https://example.com/next"]);
      world.scroll(0);
      await world.pass(1000);
      world.hide(true);
      assert.deepEqual([world.last().u, world.last().sd, world.last().e], ["https://example.com/next", 20, 1000]);
    });

    test("time in the back/forward cache is not reading", async () => {
      const world = await open();
      world.fire("pagehide");
      await world.pass(600_000);
      world.fire("pageshow", { persisted: true });
      await world.pass(3500);
      world.fire("pagehide");
      assert.deepEqual(world.bodies.filter((b) => b.n === "engagement").map((b) => b.e), [0, 3500]);
    });

    test("a page without height and days of reading stay within what the server takes", async () => {
      const world = await open({ scrollHeight: 0 });
      await world.pass(3 * 86_400_000 + 5000);
      world.hide(true);
      assert.equal(world.last().e, 5000);
      assert.ok(world.last().sd >= 0 && world.last().sd <= 100);
    });
  });

  describe(`the queue, ${build}`, () => {
    const BUSY = { status: 503, headers: { "Retry-After": "60" } };

    test("what a busy server refuses is sent again when it asked to be asked, with its age", async () => {
      const world = page();
      world.answer = () => BUSY;
      world.random = 0.5;
      await world.run(scripts);
      assert.equal(world.queued().length, 1);
      world.answer = () => ({ status: 202 });
      await world.pass(89_999);
      assert.equal(world.requests.length, 1, "not before its time");
      await world.pass(1);
      assert.deepEqual(world.last(), report("beacon-queued"));
      assert.deepEqual(world.queued(), []);
      assert.ok(!("pulse:example.com" in world.local), "nothing is kept on the visitor's device when nothing waits");
    });

    test("while the server asks for quiet, events wait rather than knock", async () => {
      const world = page();
      world.answer = () => BUSY;
      await world.run(scripts);
      for (const name of ["A", "B"]) world.context.pulse(name);
      await world.pass(30_000);
      assert.equal(world.requests.length, 1);
      world.answer = () => ({ status: 202 });
      await world.pass(30_000);
      assert.deepEqual(world.names(), ["pageview", "pageview", "A", "B"]);
      assert.deepEqual(world.bodies.map((b) => b.a), [0, 60_000, 60_000, 60_000]);
    });

    test("a Retry-After that cannot be read is half a minute, not a storm", async () => {
      const world = page();
      world.answer = () => ({ status: 503, headers: { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" } });
      await world.run(scripts);
      await world.pass(29_999);
      assert.equal(world.requests.length, 1);
      await world.pass(90_000);
      assert.ok(world.requests.length <= 5);
    });

    test("what happens offline is kept without trying and sent when the network is back", async () => {
      const world = await open();
      world.go_offline();
      world.context.pulse("Signup");
      world.fire("pagehide");
      await settle();
      assert.equal(world.requests.length, 1);
      assert.deepEqual(world.queued().map((e) => e.n), ["Signup", "engagement"]);
      await world.pass(5000);
      await world.go_online();
      assert.deepEqual(world.names(), ["pageview", "Signup", "engagement"]);
      assert.equal(world.last().a, 5000);
      await world.pass(600_000);
      assert.equal(world.requests.length, 3, "once");
    });

    test("a request the network loses is sent again by the next page", async () => {
      const local = storage();
      const world = page({ local });
      world.answer = () => "fail";
      await world.run(scripts);
      await world.pass(1000);
      const next = page({ local, url: "https://example.com/next", now: START + 7000 });
      await next.run(scripts);
      assert.deepEqual(next.bodies.map((b) => [b.n, b.u, b.a]).sort(), [
        ["pageview", "https://example.com/next", 0],
        ["pageview", report("beacon-pageview").u, 7000],
      ]);
      assert.deepEqual(next.queued(), []);
    });

    for (const told of ["early", "before", "after"]) {
      test(`a page that is left does not keep what was under way, because the server takes it without the page (told ${told})`, async () => {
        const acts = {
          nothing: () => {},
          "a form": (world) => world.fire("submit", { target: {} }),
          "a link": (world) => world.click("https://other.example/"),
          "a download": (world) => world.click("/report.pdf"),
          "an event": (world) => world.context.pulse("Signup"),
          "a route": (world) => world.history.pushState({}, "", "/next"),
          "an event while it is left": (world) => world.context.addEventListener("pagehide", () => world.context.pulse("Bye")),
        };
        for (const [what, act] of Object.entries(acts)) {
          const world = page();
          world.answer = () => "wait";
          await world.run(scripts);
          await world.pass(4000);
          act(world);
          await world.leave({ told });
          await world.pass(600_000);
          const next = page({ local: world.local, url: "https://example.com/after", now: world.now });
          await next.run(scripts);
          await next.pass(600_000);
          assert.ok(world.names().includes("engagement"), what);
          assert.deepEqual(next.bodies.map((b) => b.u), ["https://example.com/after"], what);
          assert.deepEqual(next.queued(), [], what);
        }
      });

      test(`nor does a page that comes back from the back/forward cache (told ${told})`, async () => {
        const world = page();
        world.answer = () => "wait";
        await world.run(scripts);
        world.context.addEventListener("pagehide", () => world.context.pulse("Bye"));
        world.context.pulse("Signup");
        await world.leave({ kept: true, told });
        world.answer = () => ({ status: 202 });
        await world.return(600_000);
        await world.pass(600_000);
        assert.deepEqual(world.names(), ["pageview", "Signup", "engagement", "Bye", "pageview"]);
        assert.deepEqual(world.queued(), []);
        world.answer = () => "fail";
        world.context.pulse("Later");
        await world.pass(1000);
        assert.deepEqual(world.queued().map((e) => e.n), ["Later"], "what fails after that is kept again");
      });
    }

    test("what a busy server refuses is kept even if the page is left at that moment", async () => {
      const world = page();
      world.answer = () => "wait";
      await world.run(scripts);
      world.requests[0].answer(503);
      await settle();
      await world.leave();
      assert.deepEqual(world.queued().map((e) => e.n), ["pageview", "engagement"]);
    });

    test("two tabs do not send the same event twice", async () => {
      const local = storage();
      const world = page({ local });
      world.answer = () => "fail";
      await world.run(scripts);
      await world.pass(1000);
      const tabs = ["/one", "/two"].map((path) => page({ local, url: "https://example.com" + path }));
      for (const tab of tabs) tab.answer = () => "wait";
      await Promise.all(tabs.map((tab) => tab.run(scripts)));
      const old = tabs.flatMap((tab) => tab.bodies).filter((b) => b.u === report("beacon-pageview").u);
      assert.equal(old.length, 1);
    });

    test("what the server will never take is not sent again", async () => {
      for (const status of [202, 400, 404, 413]) {
        const world = page();
        world.answer = () => ({ status });
        await world.run(scripts);
        await world.pass(600_000);
        assert.equal(world.requests.length, 1, `${status}`);
        assert.deepEqual(world.queued(), []);
      }
      for (const status of [429, 500, 502, 503]) {
        const world = page();
        world.answer = () => ({ status });
        await world.run(scripts);
        assert.equal(world.queued().length, 1, `${status}`);
      }
    });

    test("the queue holds the last thirty events and forgets what is older than a day", async () => {
      const local = storage();
      const world = page({ local });
      world.go_offline();
      await world.run(scripts);
      for (let i = 1; i <= 40; i++) world.context.pulse(`E${i}`);
      assert.equal(world.queued().length, 30);
      assert.equal(world.queued().at(-1).n, "E40");
      const later = page({ local, now: START + 86_400_001, url: "https://example.com/later" });
      await later.run(scripts);
      assert.deepEqual(later.bodies.map((b) => b.u), ["https://example.com/later"]);
      assert.deepEqual(later.queued(), []);
    });

    test("a clock that was set back makes no event from the future", async () => {
      const world = page();
      world.answer = () => "fail";
      await world.run(scripts);
      await world.pass(1000);
      world.now -= 3_600_000;
      world.answer = () => ({ status: 202 });
      await world.go_online();
      assert.equal(world.last().a, 0);
    });

    test("a queue that something else has spoilt is started anew", async () => {
      const world = await open({ local: storage({ "pulse:example.com": "{not json" }) });
      world.go_offline();
      world.context.pulse("Signup");
      assert.deepEqual(world.queued().map((e) => e.n), ["Signup"]);
    });

    test("where storage is blocked events are counted, and wait in memory", async () => {
      const world = await open({ local: null });
      world.go_offline();
      world.context.pulse("Signup");
      await world.go_online();
      assert.deepEqual(world.names(), ["pageview", "Signup"]);
    });

    test("a full storage loses the event but not the page", async () => {
      const full = new Proxy({}, { set: () => { throw new Error("QuotaExceededError"); } });
      const world = await open({ local: full });
      world.go_offline();
      world.context.pulse("Signup");
      await settle();
      assert.deepEqual(world.names(), ["pageview"]);
    });
  });

  describe(`opting out, ${build}`, () => {
    test("pulse_ignore in localStorage is obeyed at once, also for what already waits", async () => {
      const world = page();
      world.answer = () => "fail";
      await world.run(scripts);
      await world.pass(1000);
      world.local.pulse_ignore = "true";
      world.answer = () => ({ status: 202 });
      let called = 0;
      world.context.pulse("Signup", { callback: () => called++ });
      await world.pass(600_000);
      world.hide(true);
      await settle();
      assert.equal(world.requests.length, 1);
      assert.equal(called, 1);
      assert.deepEqual(world.queued(), []);
    });
  });
}
