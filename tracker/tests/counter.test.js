// counter.js: one connection per browser, however many tabs; each tab shows what it asks for, and is counted on what it shows. What it says
// on the wire is protocol/golden/command-*.json, what it hears reply-*.json and push-*.json.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Browser } from "./tabs.js";
import { builds, golden, gzipped, settle, storage } from "./world.js";

const SITE = "online:example.com";

test("the counter weighs no more than 3,072 bytes as it travels", () => {
  assert.ok(gzipped("counter.js") <= 3072, `${gzipped("counter.js")} bytes`);
});

/** The server's side of a socket: greets, and answers each subscription with a count. */
async function serve(socket, counts = {}) {
  if (!socket.answered) socket.onopen?.();
  const answered = (socket.answered ??= new Set());
  for (let round = 0; round < 5; round++) {
    for (const command of socket.sent) {
      if (!command.id || answered.has(command)) continue;
      answered.add(command);
      const { id } = command;
      if (command.connect) socket.receive({ id, connect: golden("reply-connect").connect });
      if (command.subscribe) socket.receive({ id, subscribe: { data: { online: counts[command.subscribe.channel] ?? 1 } } });
      if (command.unsubscribe) socket.receive({ id, unsubscribe: {} });
    }
    await settle();
  }
}
const push = (channel, online) => ({ push: { channel, pub: { data: { online } } } });
/** What the server was asked to count on this connection, after all that was said. */
const counted = (socket) => {
  const channels = new Set();
  for (const { subscribe, unsubscribe } of socket.sent) {
    if (subscribe) channels.add(subscribe.channel);
    if (unsubscribe) channels.delete(unsubscribe.channel);
  }
  return [...channels].sort();
};
const drop = (socket, code = 1006) => {
  socket.closed = true;
  return socket.onclose({ code });
};

for (const [build, scripts] of Object.entries(builds)) {
  const browser = (options) => new Browser(scripts, options);

  describe(`the counter, ${build}`, () => {
    test("in the page's body the script's tag is the counter; in its head it only makes the element known", async () => {
      const here = await browser().tab({ body: true, counters: [], tag: { site: "example.com", label: "reading", scope: "page" } });
      assert.deepEqual(here.counters().map(({ attributes }) => attributes), [{ scope: "page", label: "reading", site: "example.com" }].map((a) => ({ site: a.site, scope: a.scope, label: a.label })));
      const head = await browser().tab({ counters: [] });
      assert.equal(head.counters().length, 0);
      const nameless = await browser().tab({ body: true, counters: [{ site: "example.com" }], tag: {} });
      assert.deepEqual([nameless.counters().length, nameless.sockets.length], [1, 1], "a tag without a site is no counter of its own");
      assert.equal(head.sockets.length, 0, "a page that shows no count opens no connection");
    });

    test("connects to the server it came from, subscribes to its site and shows the count", async () => {
      const tab = await browser().tab();
      const [socket] = tab.sockets;
      assert.equal(socket.address, "wss://stats.test/connection/websocket");
      assert.deepEqual(tab.shows(), [""], "nothing is shown before there is a count");
      await serve(socket, { [SITE]: 12 });
      assert.deepEqual(socket.sent[0], { id: 1, connect: { name: "counter" } });
      assert.deepEqual(socket.sent[1], golden("command-subscribe-online"));
      assert.deepEqual(tab.shows(), ["12 online"]);
      socket.receive(golden("push-online"));
      assert.deepEqual(tab.shows(), ["13 online"]);
      assert.deepEqual(tab.dispatched.map(({ type, detail }) => [type, detail]), [["pulse:count", 12], ["pulse:count", 13]]);
    });

    test("the label has a form for one and a form for more, and may be none", async () => {
      const tab = await browser().tab({ counters: [{ label: "reader|readers" }, { label: "" }, { label: "here" }] });
      await serve(tab.sockets[0]);
      assert.deepEqual(tab.shows(), ["1 reader", "1", "1 here"]);
      tab.sockets[0].receive(push(SITE, 2));
      assert.deepEqual(tab.shows(), ["2 readers", "2", "2 here"]);
      tab.counters()[0].setAttribute("label", "guest|guests");
      assert.equal(tab.shows()[0], "2 guests");
      assert.equal(tab.dispatched.length, 6, "another label is no news");
    });

    test("a counter of the page counts the page, by its path as it is counted, and follows an app's own navigation", async () => {
      const tab = await browser().tab({ url: "https://example.com/caf%C3%A9?x=1", counters: [{ scope: "page" }] });
      const [socket] = tab.sockets;
      await serve(socket, { [`${SITE}:/café`]: 3, [`${SITE}:/menu`]: 7 });
      assert.deepEqual([counted(socket), tab.shows()], [[`${SITE}:/café`], ["3 online"]]);
      tab.history.pushState({}, "", "/menu?table=4");
      await settle();
      await serve(socket, { [`${SITE}:/menu`]: 7 });
      assert.deepEqual([counted(socket), tab.shows()], [[`${SITE}:/menu`], ["7 online"]]);
      assert.ok(socket.sent.every(({ subscribe }) => !subscribe?.data), "and its visitor is there");
      tab.go("/caf%C3%A9");
      await settle();
      assert.deepEqual(counted(socket), [`${SITE}:/café`]);
    });

    test("counters of another page, another site and the site stand side by side on one connection", async () => {
      const tab = await browser().tab({ counters: [{}, { page: "/elsewhere" }, { site: "other.example" }, {}] });
      await serve(tab.sockets[0], { [SITE]: 5, [`${SITE}:/elsewhere`]: 2, "online:other.example": 9 });
      assert.deepEqual(tab.shows(), ["5 online", "2 online", "9 online", "5 online"]);
      assert.equal(tab.sockets.length, 1);
      const watched = tab.sockets[0].sent.filter(({ subscribe }) => subscribe?.data?.watch).map(({ subscribe }) => subscribe.channel);
      assert.deepEqual(watched, [`${SITE}:/elsewhere`, "online:other.example"], "its visitor is not there");
      tab.history.pushState({}, "", "/elsewhere");
      await settle();
      await serve(tab.sockets[0], { [`${SITE}:/elsewhere`]: 3 });
      assert.deepEqual(tab.sockets[0].sent.slice(-2).map(({ id, ...command }) => command), [{ unsubscribe: { channel: `${SITE}:/elsewhere`, data: { watch: true } } }, { subscribe: { channel: `${SITE}:/elsewhere` } }]);
      assert.deepEqual(tab.shows(), ["5 online", "3 online", "9 online", "5 online"]);
      tab.counters()[1].remove();
      await settle();
      assert.deepEqual(counted(tab.sockets[0]), [SITE, "online:other.example"]);
    });

    test("a program asks by Pulse.counter.init: into an element, or for the number alone", async () => {
      const tab = await browser().tab({ counters: [] });
      const heard = [];
      const { init } = tab.context.Pulse.counter;
      const { element } = init({ target: "#here", site: "example.com", label: "here", onCount: (n) => heard.push(["element", n]) });
      const alone = init({ page: "/pricing", onCount: (n) => heard.push(["page", n]) });
      await settle();
      await serve(tab.sockets[0], { [SITE]: 4, [`${SITE}:/pricing`]: 2 });
      await tab.pass(0);
      assert.deepEqual([tab.shows(), tab.counters()[0] === element], [["4 here"], true]);
      assert.deepEqual(heard, [["element", 4], ["page", 2]]);
      alone.stop();
      await settle();
      assert.deepEqual(counted(tab.sockets[0]), [SITE]);
      init({ target: "#nowhere" }).stop;
    });

    test("two tags on one page are two counters on one connection", async () => {
      const tab = await browser().tab({ body: true, counters: [] });
      tab.document.currentScript.dataset = { site: "example.com", page: "/pricing" };
      await tab.run(scripts, "counter.js");
      await settle();
      await serve(tab.sockets[0], { [SITE]: 5, [`${SITE}:/pricing`]: 2 });
      assert.deepEqual([tab.shows(), tab.sockets.length], [["5 online", "2 online"], 1]);
    });

    // Where the script is the page's own origin's, a worker holds the connection; else a tab does.
    for (const [how, src] of [["a shared worker", "https://example.com/js/counter.js"], ["a tab", "https://stats.test/js/counter.js"]]) {
      describe(`with ${how} holding the connection`, () => {
        test("many tabs share one connection, and each shows its own counts", async () => {
          const all = browser();
          const tabs = [];
          for (const counters of [[{}], [{}, { page: "/a" }], [{ page: "/b" }]]) tabs.push(await all.tab({ src, counters }));
          assert.equal(all.sockets.length, 1);
          const [socket] = all.sockets;
          await serve(socket, { [SITE]: 3, [`${SITE}:/a`]: 2, [`${SITE}:/b`]: 1 });
          assert.deepEqual(tabs.map((tab) => tab.shows()), [["3 online"], ["3 online", "2 online"], ["1 online"]]);
          socket.receive(push(SITE, 4));
          await settle();
          assert.deepEqual(tabs.map((tab) => tab.shows()[0]), ["4 online", "4 online", "1 online"]);
          assert.equal((await all.tab({ src })).shows()[0], "4 online", "who comes later knows at once");
          assert.equal(all.sockets.length, 1);
        });

        test("where one tab watches a page that another one is on, their visitor is on it", async () => {
          const all = browser();
          const [there, watching] = [await all.tab({ src, url: "https://example.com/a", counters: [{ scope: "page" }] }), await all.tab({ src, counters: [{ page: "/a" }] })];
          const [socket] = all.sockets;
          await serve(socket, { [`${SITE}:/a`]: 4 });
          const asked = () => socket.sent.flatMap(({ subscribe }) => (subscribe ? [!!subscribe.data] : []));
          assert.deepEqual([asked(), there.shows(), watching.shows()], [[false], ["4 online"], ["4 online"]]);
          if (all.workers[0]) {
            await all.closes(there);
            await serve(socket, { [`${SITE}:/a`]: 3 });
            assert.deepEqual([asked(), watching.shows()], [[false, true], ["3 online"]]);
          }
        });

        test("a tab that closes is counted no more, nor one that is killed", async () => {
          const all = browser();
          await all.tab({ src });
          const [a, b] = [await all.tab({ src, counters: [{ page: "/a" }] }), await all.tab({ src, counters: [{ page: "/b" }] })];
          const [socket] = all.sockets;
          await serve(socket);
          assert.deepEqual(counted(socket), [SITE, `${SITE}:/a`, `${SITE}:/b`]);
          await all.closes(a);
          assert.deepEqual(counted(socket), [SITE, `${SITE}:/b`]);
          await all.kills(b);
          assert.deepEqual(counted(socket), [SITE]);
          assert.equal(all.sockets.length, 1);
        });

        test("the last tab takes the connection with it", async () => {
          const all = browser();
          const [a, b] = [await all.tab({ src }), await all.tab({ src })];
          await serve(all.sockets[0]);
          await all.closes(a);
          if (all.sockets[0]) await serve(all.sockets[0]);
          assert.equal(all.sockets.length, 1);
          await all.closes(b);
          assert.equal(all.sockets.length, 0);
        });

        test("a tab that is kept in the back/forward cache gives everything up, and comes back", async () => {
          const all = browser();
          const tab = await all.tab({ src });
          await serve(all.sockets[0]);
          await tab.leave({ kept: true });
          assert.equal(all.sockets.length, 0);
          assert.equal(all.channels.size, src.includes("example.com") ? 1 : 0, "the tab is on no channel");
          assert.equal([...all.locks.queues.values()].flat().filter((one) => one.tab === tab).length, 0, "and holds no lock");
          await tab.return(60_000);
          await settle();
          assert.equal(all.sockets.length, 1);
          await serve(all.sockets[0], { [SITE]: 6 });
          assert.deepEqual(tab.shows(), ["6 online"]);
        });
      });
    }

    test("when the tab with the connection closes, the next one takes over within the grace and nobody is forgotten", async () => {
      for (const goes of ["closes", "kills"]) {
        const all = browser();
        const first = await all.tab();
        const second = await all.tab({ counters: [{}, { page: "/b" }] });
        await all.tab({ counters: [{ page: "/c" }] });
        await serve(all.sockets[0]);
        await all[goes](first);
        assert.equal(all.sockets.length, 1, goes);
        await serve(all.sockets[0], { [SITE]: 8 });
        assert.deepEqual(counted(all.sockets[0]), [SITE, `${SITE}:/b`, `${SITE}:/c`]);
        assert.equal(second.shows()[0], "8 online");
      }
    });

    test("a tab that sleeps with the connection is relieved of it, and does not fight for it when it wakes", async () => {
      const all = browser();
      const sleeper = await all.tab();
      await serve(all.sockets[0]);
      sleeper.asleep = true;
      const awake = await all.tab();
      assert.equal(awake.sockets.length, 0);
      await awake.pass(5_000);
      assert.equal(awake.sockets.length, 1);
      await serve(awake.sockets[0], { [SITE]: 2 });
      assert.deepEqual(awake.shows(), ["2 online"]);
      sleeper.asleep = false;
      await settle();
      assert.equal(all.sockets.length, 1, "the one who slept has let go");
      awake.sockets[0].receive(push(SITE, 3));
      await settle();
      assert.deepEqual(sleeper.shows(), ["3 online"]);
      await all.pass(60_000);
      assert.equal(awake.sockets[0].closed || sleeper.sockets.length === 1, true);
    });

    test("where there are no locks each tab has its own connection", async () => {
      const all = browser({ locks: false, workers: false });
      const tabs = [await all.tab(), await all.tab()];
      assert.deepEqual(tabs.map((tab) => tab.sockets.length), [1, 1]);
      for (const tab of tabs) await serve(tab.sockets[0], { [SITE]: 1 });
      assert.deepEqual(tabs.map((tab) => tab.shows()), [["1 online"], ["1 online"]]);
      await all.closes(tabs[0]);
      assert.equal(all.sockets.length, 1);
    });

    test("a worker that the page's policy forbids leaves it to the tabs", async () => {
      const all = browser();
      let started;
      all.starts = () => (started = true);
      const tab = await all.tab({ src: "https://example.com/js/counter.js" });
      assert.deepEqual([started, tab.sockets.length], [true, 0]);
      await tab.pass(5_000);
      assert.equal(tab.sockets.length, 1);
    });

    test("a page that nobody has seen is not online; one that was seen stays so in the background", async () => {
      const all = browser();
      const tab = await all.tab({ hidden: true });
      await tab.go_online();
      assert.equal(all.sockets.length, 0);
      tab.hide(false);
      await settle();
      assert.equal(all.sockets.length, 1);
      await serve(all.sockets[0]);
      tab.hide(true);
      await all.pass(20_000);
      assert.deepEqual(counted(all.sockets[0]), [SITE]);
    });

    test("a visitor who opted out is not counted, and sees no count", async () => {
      for (const key of ["pulse_ignore", "plausible_ignore"]) {
        const tab = await browser().tab({ local: storage({ [key]: "true" }) });
        assert.deepEqual([tab.sockets.length, tab.shows()], [0, [""]]);
      }
      assert.equal((await browser().tab({ local: null })).sockets.length, 1, "blocked storage is no opting out");
    });

    test("comes back after a loss with full jitter, from half a second to twenty, and at once when the network does", async () => {
      const all = browser();
      const tab = await all.tab();
      await serve(tab.sockets[0]);
      tab.random = 0.999999;
      const waits = [];
      for (let i = 0; i < 9; i++) {
        const socket = tab.sockets.at(-1);
        if (socket.events) socket.onerror();
        else drop(socket);
        const begun = tab.now;
        while (tab.sockets.at(-1) === socket && tab.now - begun < 30_000) await tab.pass(100);
        waits.push(tab.now - begun);
      }
      assert.deepEqual(waits.slice(0, 5), [1000, 1500, 2500, 4500, 8500]);
      assert.equal(Math.max(...waits), 20_000);
      drop(tab.sockets.at(-1));
      const before = tab.sockets.length;
      await tab.go_online();
      assert.equal(tab.sockets.length, before + 1);
    });

    test("where no WebSocket comes about, server-sent events do, and what worked is remembered", async () => {
      const all = browser();
      const tab = await all.tab({ counters: [{}, { page: "/a" }] });
      drop(tab.sockets[0]);
      await tab.pass(1000);
      const events = tab.sockets[1];
      const address = new URL(events.address);
      assert.equal(address.origin + address.pathname, "https://stats.test/connection/uni_sse");
      assert.deepEqual(JSON.parse(address.searchParams.get("cf_connect")), { name: "counter", subs: { [SITE]: {}, [`${SITE}:/a`]: { data: { watch: true } } } });
      events.onopen();
      events.receive({ connect: { client: "c", ping: 25, subs: { [SITE]: { data: { online: 4 } }, [`${SITE}:/a`]: { data: { online: 2 } } } } });
      assert.deepEqual(tab.shows(), ["4 online", "2 online"]);
      events.receive({});
      events.receive({ channel: SITE, pub: { data: { online: 5 } } });
      assert.deepEqual(tab.shows(), ["5 online", "2 online"]);
      tab.counters()[1].remove();
      await settle();
      assert.ok(events.closed, "what is wanted stands in the address");
      assert.deepEqual(Object.keys(JSON.parse(new URL(tab.sockets[2].address).searchParams.get("cf_connect")).subs), [SITE]);
      tab.sockets[2].receive({ connect: { subs: { [SITE]: { data: { online: 4 } } } } });
      tab.sockets[2].onerror();
      await tab.pass(1000);
      assert.ok(tab.sockets[3].events);
      tab.sockets[3].receive({ connect: { subs: {} } });
      tab.sockets[3].receive({ disconnect: { code: 3500, reason: "gone" } });
      await tab.pass(60_000);
      assert.equal(tab.sockets.length, 4, "told not to come back, it does not");
    });

    test("a number that nobody keeps right is shown for half a minute and no longer", async () => {
      const all = browser();
      const [tab, other] = [await all.tab(), await all.tab()];
      await serve(tab.sockets[0], { [SITE]: 5 });
      tab.random = 1;
      drop(tab.sockets[0]);
      for (let i = 0; i < 29; i++) {
        await tab.pass(1_000);
        const last = tab.sockets.at(-1);
        if (!last.closed) last.events ? last.onerror() : drop(last);
      }
      assert.deepEqual([tab.shows(), other.shows()], [["5 online"], ["5 online"]]);
      await tab.pass(1_100);
      assert.deepEqual([tab.shows(), other.shows()], [[""], [""]]);
      await tab.pass(20_000);
      const last = tab.sockets.at(-1);
      if (last.events) last.receive({ connect: { subs: { [SITE]: { data: { online: 6 } } } } });
      else await serve(last, { [SITE]: 6 });
      await settle();
      assert.deepEqual([tab.shows(), other.shows()], [["6 online"], ["6 online"]]);
    });

    test("answers pings, gives up a connection that has gone silent, and one that never comes about", async () => {
      const tab = await browser().tab();
      await serve(tab.sockets[0]); // its server pings every 25 s
      await tab.pass(34_999);
      tab.sockets[0].receive(golden("reply-ping"));
      assert.deepEqual(tab.sockets[0].sent.at(-1), golden("command-pong"));
      await tab.pass(34_999);
      assert.equal(tab.sockets.length, 1);
      await tab.pass(501);
      assert.deepEqual([tab.sockets.length, tab.sockets[0].closed], [2, true]);
      await tab.pass(20_500);
      assert.equal(tab.sockets.length, 3);
    });

    test("obeys close codes: 3500–3999 and 4500–4999 are for good, the others are not", async () => {
      for (const [code, returns] of [[1006, true], [3001, true], [3500, false], [3999, false], [4499, true], [4500, false], [5000, true]]) {
        const tab = await browser().tab();
        await serve(tab.sockets[0]);
        drop(tab.sockets[0], code);
        await tab.pass(20_000);
        await tab.go_online();
        assert.equal(tab.sockets.length > 1, returns, `${code}`);
      }
    });

    test("a count that it may not have is left out and the others go on; where it has none left it holds no connection", async () => {
      const tab = await browser().tab({ counters: [{}, { page: "/secret" }] });
      const [socket] = tab.sockets;
      socket.onopen();
      socket.receive(golden("reply-connect"));
      const [, site, secret] = socket.sent;
      socket.receive({ id: secret.id, error: { code: 103, message: "permission denied" } }, { id: site.id, subscribe: { data: { online: 2 } } });
      assert.deepEqual([tab.shows(), socket.closed], [["2 online", ""], false]);
      socket.receive({ push: { channel: SITE, unsubscribe: { code: 2500, reason: "insufficient state" } } });
      assert.deepEqual(socket.sent.at(-1).subscribe, { channel: SITE }, "told to subscribe again, it does");
      socket.receive({ push: { channel: SITE, unsubscribe: { code: 2000, reason: "permission revoked" } } });
      await settle();
      assert.ok(socket.closed);
      await tab.pass(60_000);
      assert.equal(tab.sockets.length, 1);
    });

    test("a passing error is tried again, a refusal at the door is for good", async () => {
      for (const [reply, returns] of [["reply-error", false], ["reply-error-temporary", true]]) {
        const tab = await browser().tab();
        tab.sockets[0].onopen();
        tab.sockets[0].receive({ ...golden(reply), id: 1 });
        assert.ok(tab.sockets[0].closed);
        await tab.pass(60_000);
        assert.equal(tab.sockets.length > 1, returns, reply);
      }
    });

    test("is silent where the server talks nonsense or the page forbids sockets", async () => {
      const tab = await browser().tab();
      tab.sockets[0].onopen();
      tab.sockets[0].onmessage({ data: "<html>" });
      assert.ok(tab.sockets[0].closed);
      const strict = browser();
      const page = await strict.tab({ counters: [] });
      for (const name of ["WebSocket", "EventSource"])
        page.context[name] = class {
          constructor() {
            throw new Error("SecurityError");
          }
        };
      page.add({});
      await page.pass(60_000);
      assert.deepEqual(page.shows(), [""]);
    });
  });
}
