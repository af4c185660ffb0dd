// What pulse.js reports, and when: every payload is one of protocol/golden/beacon-*.json, which the server's tests read too.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { builds, golden, gzipped, page, report, settle } from "./world.js";

const SITE = { site: "example.com" };

test("the script weighs no more than 1,536 bytes as it travels", () => {
  assert.ok(gzipped("pulse.js") <= 1536, `${gzipped("pulse.js")} bytes`);
});

for (const [build, scripts] of Object.entries(builds)) {
  const open = async (options) => {
    const world = page(options);
    await world.run(scripts);
    return world;
  };

  describe(`page views, ${build}`, () => {
    test("a page load is a pageview, posted as text to the script's own server and kept alive", async () => {
      const world = await open();
      assert.deepEqual(world.bodies, [report("beacon-pageview")]);
      const [{ url, init }] = world.requests;
      assert.equal(url, "https://stats.test/api/event");
      assert.equal(init.method, "POST");
      assert.equal(init.keepalive, true);
      assert.equal(typeof init.body, "string", "a string travels as text/plain, which asks for no preflight");
      assert.equal(init.headers, undefined);
    });

    test("data-api says where to report instead", async () => {
      const world = await open({ tag: { ...SITE, api: "/proxy/event" } });
      assert.equal(world.requests[0].url, "/proxy/event");
    });

    test("pushState and replaceState to another path are views", async () => {
      const world = await open();
      world.history.pushState({}, "", "/about");
      world.history.replaceState({}, "", "/about/team");
      assert.deepEqual(world.names().filter((n) => n === "pageview").length, 3);
      assert.equal(world.last().u, "https://example.com/about/team");
    });

    test("the back button is a view", async () => {
      const world = await open();
      world.go("/before");
      assert.equal(world.last().n, "pageview");
      assert.equal(world.last().u, "https://example.com/before");
    });

    test("the same path twice is one view, whatever its query, fragment or state", async () => {
      const world = await open();
      world.history.replaceState({ scroll: 5 }, "");
      world.history.pushState({}, "", "?page=2");
      world.go("#pricing", "hashchange");
      assert.deepEqual(world.names(), ["pageview"]);
    });

    test("an address the page's own history refuses fails as it would without us", async () => {
      const world = page();
      world.history.pushState = () => { throw new RangeError("refused"); };
      await world.run(scripts);
      assert.throws(() => world.history.pushState({}, "", "/x"), /refused/);
    });

    test("with data-hash a route is a view and keeps its fragment", async () => {
      const world = await open({ url: "https://example.com/app#/inbox", tag: { ...SITE, hash: "" } });
      assert.deepEqual(world.bodies, [report("beacon-hash-route")]);
      world.go("#/settings", "hashchange");
      assert.equal(world.last().u, "https://example.com/app#/settings");
      world.go("#/settings", "popstate");
      world.go("#/about", "popstate");
      assert.equal(world.names().filter((n) => n === "pageview").length, 3);
    });

    test("without data-hash a fragment is not a route", async () => {
      const world = await open({ url: "https://example.com/app#/inbox" });
      world.go("#/settings", "hashchange");
      assert.deepEqual(world.names(), ["pageview"]);
    });

    test("a background tab or a prerendered page is viewed when it is first seen", async () => {
      const world = await open({ hidden: true });
      assert.deepEqual(world.bodies, []);
      world.hide(false);
      world.hide(true);
      world.hide(false);
      assert.deepEqual(world.names().filter((n) => n === "pageview").length, 1);
    });

    test("a page that comes back from the back/forward cache is viewed again", async () => {
      const world = await open();
      world.fire("pageshow", { persisted: false });
      assert.deepEqual(world.names(), ["pageview"]);
      world.fire("pageshow", { persisted: true });
      assert.equal(world.names().filter((n) => n === "pageview").length, 2);
    });

    test("an address of any length is cut to what the server takes", async () => {
      const world = await open({ url: "https://example.com/?q=" + "x".repeat(5000) });
      assert.equal(world.last().u.length, 2000);
    });

    test("pages on localhost and from disk count like any other", async () => {
      for (const url of ["http://localhost:8080/a", "file:///home/me/page.html"]) {
        const world = await open({ url });
        assert.equal(world.last().u, url);
      }
    });

    test("a tag without a site reports nothing, and one loaded twice reports once", async () => {
      assert.deepEqual((await open({ tag: {} })).bodies, []);
      const world = await open();
      await world.run(scripts);
      assert.deepEqual(world.names(), ["pageview"]);
    });

    test("Plausible's snippet works as it is, with data-domain and plausible()", async () => {
      const world = await open({
        tag: { domain: "example.com" },
        early: "window.plausible = window.plausible || function () { (plausible.q = plausible.q || []).push(arguments) }; plausible('Early')",
      });
      world.context.plausible("Later", { props: { a: 1 } });
      assert.deepEqual(world.names(), ["pageview", "Early", "Later"]);
      assert.equal(world.context.pulse, undefined);
    });
  });

  describe(`excluded pages, ${build}`, () => {
    test("nothing is reported from a path that data-exclude matches", async () => {
      const world = await open({ tag: { ...SITE, exclude: "/admin/**, /drafts/*, /pricing" }, url: "https://example.com/admin/users/7" });
      world.context.pulse("Signup");
      world.hide(true);
      world.hide(false);
      for (const path of ["/pricing", "/drafts/one", "/admin/"]) world.history.pushState({}, "", path);
      assert.deepEqual(world.bodies, []);
      for (const path of ["/pricing/more", "/drafts/one/two", "/admin"]) world.history.pushState({}, "", path);
      assert.equal(world.names().filter((n) => n === "pageview").length, 3, "* stays within a segment, ** does not");
    });

    test("a glob's other signs mean themselves", async () => {
      const tag = { ...SITE, exclude: "/a.b+c" };
      assert.deepEqual((await open({ tag, url: "https://example.com/a.b+c" })).names(), []);
      assert.deepEqual((await open({ tag, url: "https://example.com/aXbbc" })).names(), ["pageview"]);
    });

    test("reading before an excluded page is still reported for the page that was read", async () => {
      const world = await open({ tag: { ...SITE, exclude: "/admin" } });
      await world.pass(5000);
      world.history.pushState({}, "", "/admin");
      assert.deepEqual(world.names(), ["pageview", "engagement"]);
      assert.equal(world.last().u, report("beacon-pageview").u);
    });

    test("a callback is called for what is excluded, too", async () => {
      const world = await open({ tag: { ...SITE, exclude: "**" } });
      let called = 0;
      world.context.pulse("Signup", { callback: () => called++ });
      assert.equal(called, 1);
    });
  });

  describe(`custom events, ${build}`, () => {
    test("an event carries its properties, its revenue and whether it was interactive", async () => {
      const world = await open();
      world.context.pulse("Signup", {
        props: { plan: "pro", seats: 3, trial: true },
        revenue: { amount: 29.5, currency: "EUR" },
        interactive: false,
      });
      assert.deepEqual(world.last(), report("beacon-custom"));
    });

    test("events called before the script has loaded follow the first pageview", async () => {
      const world = await open({
        early: 'window.pulse = window.pulse || function () { (pulse.q = pulse.q || []).push(arguments) }; pulse("Early", { props: { a: "b" } })',
      });
      assert.deepEqual(world.names(), ["pageview", "Early"]);
      assert.deepEqual(world.last().p, { a: "b" });
    });

    test("a callback learns the answer, and is called when there was none", async () => {
      const world = await open();
      const heard = [];
      world.context.pulse("One", { callback: ({ status }) => heard.push(status) });
      await settle();
      world.answer = () => "fail";
      world.context.pulse("Two", { callback: ({ status }) => heard.push(status) });
      await world.pass(0);
      assert.deepEqual(heard, [202, undefined]);
      assert.deepEqual(world.queued().map((e) => e.n), ["Two"], "kept before the page is told, which may leave at that word");
    });

    test("nonsense from the page is not thrown back at it", async () => {
      const world = await open();
      const circle = {};
      circle.self = circle;
      for (const args of [[], ["A", null], ["B", { props: circle }], [Symbol("C")]]) world.context.pulse(...args);
      world.context.pulse("Fine");
      await world.pass(60_000);
      assert.ok(world.names().includes("Fine"));
      assert.ok(!world.names().includes("B"), "what cannot be written down is not sent");
    });
  });

  describe(`what is reported by itself, ${build}`, () => {
    test("a link to another host is an outbound link, by click or middle click", async () => {
      const world = await open();
      world.click("https://other.example/page?x=1");
      assert.deepEqual(world.last(), report("beacon-outbound-link"));
      const middle = { type: "auxclick", button: 1 };
      world.click("https://other.example/page?x=1", middle);
      world.click("https://other.example/page?x=1", { type: "auxclick", button: 2 });
      assert.equal(world.names().length, 3, "the right button follows nothing");
    });

    test("links within the site and links to no host are nothing", async () => {
      const world = await open();
      for (const link of ["/about", "mailto:me@example.com", "javascript:void 0", null]) world.click(link);
      world.fire("click", { button: 0, target: {} }); // the document itself, which is within no link
      assert.deepEqual(world.names(), ["pageview"]);
    });

    test("a file of a known type is a download, without its query", async () => {
      const world = await open();
      world.click("/files/report.pdf?version=2");
      assert.deepEqual(world.last(), report("beacon-file-download"));
      for (const file of ["/a.MP4", "/a.pptx", "/a.ppt", "/a.zip", "/a.docx"]) world.click(file);
      assert.equal(world.names().length, 7);
      for (const file of ["/pdf", "/a.pdfx", "/a.html", "/zip/a"]) world.click(file);
      assert.equal(world.names().length, 7);
    });

    test("data-file-types says which", async () => {
      const world = await open({ tag: { ...SITE, fileTypes: "epub, svg" } });
      world.click("/book.epub");
      world.click("/logo.svg");
      world.click("/report.pdf");
      assert.deepEqual(world.names(), ["pageview", "File Download", "File Download"]);
    });

    test("a submitted form is a form submission", async () => {
      const world = await open();
      world.fire("submit", { target: {} });
      assert.deepEqual(world.last(), report("beacon-form-submission"));
    });

    test("each of the three can be turned off", async () => {
      const world = await open({ tag: { ...SITE, noOutbound: "", noDownloads: "", noForms: "" } });
      world.click("https://other.example/");
      world.click("/report.pdf");
      world.fire("submit", { target: {} });
      assert.deepEqual(world.names(), ["pageview"]);
    });

    test("a page that says it is a 404 reports which path was missing, once, without counting it as something the visitor did", async () => {
      const world = await open({ tag: { ...SITE, 404: "" } });
      assert.deepEqual(world.names(), ["pageview", "404"]);
      assert.deepEqual(world.last(), report("beacon-not-found"));
      world.history.pushState({}, "", "/found");
      assert.equal(world.last().n, "pageview");
    });
  });

  describe(`data-live, ${build}`, () => {
    test("loads live.js from beside the script, which learns the site from it", async () => {
      for (const tag of [SITE, { domain: "example.com" }]) {
        const world = await open({ tag: { ...tag, live: "" } });
        assert.deepEqual(world.scripts.map(({ src }) => String(src)), ["https://stats.test/js/live.js"]);
        world.document.currentScript = { ...world.scripts[0], src: String(world.scripts[0].src) };
        await world.run(scripts, "live.js");
        world.sockets[0].onopen();
        world.sockets[0].receive({ id: 1, connect: { client: "c", version: "1" } });
        assert.deepEqual(world.sockets[0].sent.at(-1), { id: 2, subscribe: { channel: "online:example.com" } });
      }
    });

    test("is asked for, not given", async () => {
      assert.deepEqual((await open()).scripts, []);
    });
  });
}

test("every key the script can send is one that the server's golden reports know", async () => {
  const known = new Set(["short", "long"].flatMap((form) => Object.keys(golden(`beacon-${form}`))));
  const world = page({ tag: { ...SITE, 404: "" } });
  await world.run(builds["as written"]);
  world.context.pulse("Signup", { props: { a: 1 }, revenue: { amount: 1, currency: "EUR" }, interactive: true });
  await world.pass(5000);
  world.hide(true);
  for (const body of world.bodies) for (const key of Object.keys(body)) assert.ok(known.has(key), `${body.n}: ${key}`);
});
