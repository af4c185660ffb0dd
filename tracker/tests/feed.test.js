// The feed in live.js: what visitors see of it, where it is shown, what is recovered, and by which way it comes. The messages are
// protocol/golden/feed-*.json.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { builds, golden, page, settle, START, storage } from "./world.js";

const SRC = "https://stats.test/js/live.js";
const CHANNEL = "feed:example.com";
let last = 0;
const item = (id, more = {}) => ({ id, kind: "message", title: `item ${id}`, html: `<p>${id}</p>`, pinned: false, published_at: START + id, ...more });
const publish = (id, more) => ({ publish: item(id, more) });

for (const [build, scripts] of Object.entries(builds)) {
  const open = async ({ tag, answer, ...options } = {}) => {
    const world = page({ src: SRC, url: "https://example.com/blog/one", streams: false, ...options, tag: { site: "example.com", feed: "", ...tag } });
    if (answer) world.answer = answer;
    if (tag?.feed === null) delete world.document.currentScript.dataset.feed;
    world.socket = () => world.sockets.at(-1);
    /** The server takes the connection and begins the feed so; says what was asked of it. */
    world.join = (result = {}) => {
      const socket = world.socket();
      socket.onopen?.();
      socket.receive(golden("reply-connect"));
      const asked = socket.sent.find((command) => command.subscribe?.channel === CHANNEL);
      socket.receive({ id: asked.id, subscribe: { recoverable: true, positioned: true, epoch: "e1", offset: last, ...result } });
      return asked.subscribe;
    };
    world.push = (data, offset) => world.socket().receive({ push: { channel: CHANNEL, pub: { data, offset } } });
    world.seen = () => world.dispatched.filter(({ type }) => type === "pulse:feed").map(({ detail }) => detail.id);
    const titles = (box) => box.all("pulse-item").map((article) => article.item.id);
    world.note = () => titles(world.document.body);
    world.there = () => titles(world.document.spot);
    world.part = (name) => world.document.body.all("pulse-" + name);
    await world.run(scripts, "live.js");
    return world;
  };
  const again = (world, options) => open({ session: world.context.sessionStorage, local: world.local, ...options });

  describe(`the feed, ${build}`, () => {
    test("is asked for by data-feed, and not without", async () => {
      last = 0;
      assert.deepEqual((await open()).join(), { channel: CHANNEL });
      const without = page({ src: SRC, tag: { site: "example.com" } });
      await without.run(scripts, "live.js");
      without.sockets[0].onopen();
      without.sockets[0].receive(golden("reply-connect"));
      assert.deepEqual(without.sockets[0].sent.slice(1).map((c) => c.subscribe.channel), ["online:example.com"]);
      assert.equal(without.document.body.children.length, 0);
    });

    test("shows the backlog in a note, the pinned first, then the newest first, and tells the page, the oldest first", async () => {
      const world = await open();
      world.join({ offset: 3, data: { items: [publish(1, { pinned: true }), publish(3), publish(2)] } });
      assert.deepEqual(world.note(), [1, 3, 2]);
      assert.deepEqual(world.seen(), [2, 3, 1]);
    });

    test("what is published appears at once; an edit replaces it and a withdrawal takes it away", async () => {
      const world = await open();
      world.join();
      assert.deepEqual(world.note(), []);
      world.push(publish(7), 1);
      world.push(publish(8), 2);
      assert.deepEqual(world.note(), [8, 7]);
      world.push(publish(7, { title: "Better" }), 3);
      assert.equal(world.part("title").find((e) => e.textContent === "Better") !== undefined, true);
      const eight = world.part("item")[0];
      world.push({ withdraw: { id: 7 } }, 4);
      assert.deepEqual(world.note(), [8]);
      assert.equal(eight.moved, 1, "what stays is not moved: a video goes on playing");
      assert.deepEqual(world.dispatched.at(-1).type, "pulse:withdraw");
    });

    test("the golden item comes with picture, title, text and no second way to its video", async () => {
      const world = await open();
      world.join({ data: golden("feed-opening") });
      assert.deepEqual(world.note(), [7, 8]);
      const [article] = world.part("item");
      assert.deepEqual(article.children.map((c) => c.className), ["pulse-image", "pulse-title", "pulse-text"]);
      assert.equal(article.children[2].innerHTML, golden("feed-publish").publish.html);
      world.push(publish(900000, { kind: "visit", url: "/pricing" }), 1);
      assert.equal(world.part("more")[0].href, "/pricing");
    });

    test("shows only what is meant for this page, this country and this time", async () => {
      const world = await open();
      const forPath = (path) => ({ audience: { path } });
      const items = [
        publish(1, forPath("/blog/*")), publish(2, forPath("/shop/**")), publish(3, forPath("/blog/one")), publish(4, { audience: { countries: ["DE"] } }),
        publish(5, { audience: { countries: ["US"] } }), publish(6, { expires_at: START - 1 }), publish(7, { expires_at: START + 1e6 }),
      ];
      world.join({ data: { items, country: "DE" } });
      assert.deepEqual(world.note(), [7, 4, 3, 1]);
    });

    test("goes into the page's own element where there is one, and no note is shown", async () => {
      const world = await open({ place: true });
      world.join({ data: { items: [publish(2), publish(1)] } });
      assert.deepEqual(world.there(), [2, 1]);
      assert.equal(world.document.body.children.length, 0);
    });

    test("data-feed=quiet shows nothing and tells the page; data-feed-backlog says how many", async () => {
      const quiet = await open({ tag: { feed: "quiet" } });
      quiet.join({ data: { items: [publish(1)] } });
      assert.deepEqual([quiet.document.body.children.length, quiet.seen()], [0, [1]]);
      const two = await open({ tag: { feedBacklog: "2" } });
      two.join({ data: { items: [3, 2, 1].map((id) => publish(id)) } });
      assert.deepEqual(two.note(), [3, 2]);
    });

    test("pulse.on hears what is there already and what comes, also when it was called before the script was there", async () => {
      const heard = [];
      const world = await open({ early: "pulse = { o: [] }; pulse.on = (...args) => pulse.o.push(args);" });
      world.join({ data: { items: [publish(1)] } });
      world.context.pulse.on("feed", ({ id }) => heard.push(id));
      world.document.addEventListener("pulse:feed", () => {});
      assert.deepEqual(heard, [1]);
    });

    test("is closed for good by its button, across pages and tabs, until something new comes", async () => {
      const world = await open();
      world.join({ offset: 2, data: { items: [publish(2), publish(1)] } });
      const [status] = world.part("status");
      assert.equal(status.attributes.role, "status");
      world.part("close")[0].onclick();
      assert.deepEqual([world.note(), status.children.length], [[], 0]);
      const next = await open({ local: world.local });
      next.join({ offset: 2, data: { items: [publish(2), publish(1)] } });
      assert.deepEqual(next.note(), []);
      next.push(publish(3), 3);
      assert.deepEqual(next.note(), [3]);
    });

    test("the next page of the tab goes on from where the last one was and misses nothing", async () => {
      const world = await open();
      world.join({ offset: 5, data: { items: [publish(5)], country: "DE" } });
      world.push(publish(6), 6);
      const next = await again(world);
      assert.deepEqual(next.note(), [6, 5], "without waiting for the server");
      const asked = next.join({ offset: 8, recovered: true, was_recovering: true, publications: [{ data: publish(7), offset: 7 }, { data: { withdraw: { id: 5 } }, offset: 8 }] });
      assert.deepEqual(asked, { channel: CHANNEL, recover: true, epoch: "e1", offset: 6 });
      assert.deepEqual([next.note(), next.seen()], [[7, 6], [5, 6, 7]]);
    });

    test("what cannot be recovered is begun anew", async () => {
      const world = await open();
      world.join({ offset: 5, data: { items: [publish(5)] } });
      const next = await again(world);
      next.join({ epoch: "e2", offset: 1, recovered: false, was_recovering: true, data: { items: [publish(9)] } });
      assert.deepEqual(next.note(), [9]);
    });

    test("passes over what it knows, and comes back for what it missed", async () => {
      const world = await open();
      world.join({ offset: 1, data: { items: [publish(1)] } });
      world.push(publish(1), 1);
      assert.deepEqual(world.seen(), [1]);
      world.push(publish(3), 3);
      assert.ok(world.sockets[0].closed, "a hole");
      await world.pass(1000);
      assert.deepEqual(world.join({ offset: 3, recovered: true, publications: [{ data: publish(2), offset: 2 }, { data: publish(3), offset: 3 }] }).offset, 1);
      assert.deepEqual(world.seen(), [1, 2, 3]);
    });

    test("a feed that is refused leaves the rest as it is", async () => {
      const world = await open();
      const socket = world.socket();
      socket.onopen();
      socket.receive(golden("reply-connect"));
      const asked = socket.sent.find((command) => command.subscribe?.channel === CHANNEL);
      socket.receive({ id: asked.id, error: { code: 103, message: "permission denied" } });
      assert.equal(socket.closed, false);
      await world.pass(20_000);
      assert.equal(world.sockets.length, 1);
    });

    test("where WebSocket is blocked it comes by EventSource, and says so by fetch", async () => {
      const world = await open({ streams: true, tag: { feedMore: "Mehr" } });
      world.socket().onclose({ code: 1006 });
      await world.pass(1000);
      const source = world.sources[0];
      const url = new URL(source.address);
      assert.equal(url.pathname, "/connection/sse");
      assert.deepEqual(JSON.parse(url.searchParams.get("cf_connect")), { id: 1, connect: { name: "pulse" } });
      source.receive(golden("reply-connect"));
      await settle();
      const said = world.requests.map(({ url, init, body }) => [url, init.method, body.session, body.node, JSON.parse(body.data).subscribe?.channel]);
      assert.deepEqual(said, ["online:example.com", CHANNEL].map((channel) => ["https://stats.test/emulation", "POST", "s1", "n1", channel]));
      const { id } = JSON.parse(world.requests[1].body.data);
      source.receive({ id, subscribe: { epoch: "e1", offset: 1, data: { items: [publish(1, { url: "/x" })] } } }, golden("reply-ping"));
      assert.deepEqual(world.note(), [1]);
      assert.equal(world.part("more")[0].textContent, "Mehr");
      assert.equal(world.requests.at(-1).body.data, "{}");

      // The next page knows what works.
      const next = await again(world, { streams: true });
      assert.deepEqual([next.sockets.length, next.sources.length], [0, 1]);
    });

    test("where that is blocked too it asks, and goes on from the position it had", async () => {
      let parked = 0;
      const world = await open({ streams: true });
      world.answer = (_, url) => {
        if (!url.includes("/api/feed/")) return "fail";
        const since = new URL(url).searchParams.get("since");
        if (!since) return { status: 200, json: { epoch: "e1", offset: 1, recovered: false, items: [publish(1)] } };
        if (since === "e1:1") return { status: 200, json: { epoch: "e1", offset: 2, recovered: true, items: [publish(2)] } };
        parked++;
        return "wait";
      };
      world.socket().onclose({ code: 1006 });
      await world.pass(600);
      world.sources[0].onerror();
      await world.pass(1500);
      await settle();
      assert.deepEqual([world.note(), world.seen(), parked], [[2, 1], [1, 2], 1]);
      assert.deepEqual(world.requests.map(({ url }) => new URL(url).search), ["?limit=20", "?since=e1:1", "?since=e1:2"]);
    });

    test("a server that is away for a while is waited for, not taken for a blocked WebSocket", async () => {
      const world = await open({ streams: true });
      world.join();
      for (let i = 0; i < 4; i++) {
        world.socket().onclose({ code: 1006 });
        await world.pass(20_000);
      }
      assert.deepEqual([world.sockets.length, world.sources.length], [5, 0]);
    });

    test("broken storage costs nothing but what it would have kept", async () => {
      const world = await open({ local: null, session: storage({ "pulse:feed:example.com": "{nonsense" }) });
      world.join({ data: { items: [publish(1)] } });
      assert.deepEqual(world.note(), [1]);
      world.part("close")[0].onclick();
    });
  });

  describe(`rooms, ${build}`, () => {
    test("are joined when asked for, hear what others publish, and answer who publishes", async () => {
      const world = await open({ tag: { feed: null } });
      const socket = world.socket();
      socket.onopen();
      socket.receive(golden("reply-connect"));
      const heard = [];
      const room = world.context.pulse.room("lobby").on("message", (data, info) => heard.push([data, info?.user])).on("join", (info) => heard.push(info.user));
      const asked = socket.sent.at(-1);
      assert.deepEqual(asked.subscribe, { channel: "room:example.com:lobby", join_leave: true });
      socket.receive({ id: asked.id, subscribe: { epoch: "r", offset: 0, recoverable: true } });
      socket.receive({ push: { channel: "room:example.com:lobby", join: { info: { client: "c", user: "bob" } } } });
      socket.receive({ push: { channel: "room:example.com:lobby", pub: { data: "hi", offset: 1, info: { client: "c", user: "bob" } } } });
      assert.deepEqual(heard, ["bob", ["hi", "bob"]]);
      const told = [];
      room.publish({ text: "ho" }, (error) => told.push(error));
      const said = socket.sent.at(-1);
      assert.deepEqual(said.publish, { channel: "room:example.com:lobby", data: { text: "ho" } });
      socket.receive({ id: said.id, publish: {} });
      room.presence((error, people) => told.push(Array.from(people, ({ user }) => user)));
      socket.receive({ id: socket.sent.at(-1).id, presence: { presence: { c: { client: "c", user: "bob" } } } });
      assert.deepEqual(told, [undefined, ["bob"]]);
      assert.equal(world.context.pulse.room("lobby"), room);
    });

    test("whoever publishes while the connection breaks is told so", async () => {
      const world = await open({ tag: { feed: null } });
      const socket = world.socket();
      socket.onopen();
      socket.receive(golden("reply-connect"));
      const told = [];
      const room = world.context.pulse.room("lobby");
      room.publish("x", (error) => told.push(error.message));
      socket.onclose({ code: 1006 });
      room.publish("y", (error) => told.push(error.message));
      assert.deepEqual(told, ["not connected", "not connected"]);
    });

    test("a token is fetched from the site's own server before each connection", async () => {
      const answer = () => ({ status: 200, json: { token: "t1" } });
      const world = await open({ tag: { feed: null, tokenUrl: "/pulse-token" }, answer });
      await settle();
      assert.equal(world.requests[0].url, "/pulse-token");
      world.socket().onopen();
      assert.deepEqual(world.socket().sent[0], { id: 1, connect: { token: "t1", name: "pulse" } });
    });

    test("a token that comes when another connection has been begun speaks on none", async () => {
      const world = await open({ tag: { feed: null, tokenUrl: "/pulse-token" }, answer: () => "wait" });
      world.fire("pagehide");
      world.fire("pageshow");
      assert.equal(world.requests.length, 2);
      for (const request of world.requests) request.answer(200, {}, { token: "t1" });
      await settle();
      await settle();
      assert.equal(world.sockets.length, 1);
      world.socket().onopen();
      assert.equal(world.socket().sent.filter(({ connect }) => connect).length, 1);
    });

    test("a token that is not to be had in time for its renewal leaves the connection alone", async () => {
      let answers = 0;
      const answer = () => (++answers > 1 ? "fail" : { status: 200, json: { token: "t1" } });
      const world = await open({ tag: { feed: null, tokenUrl: "/pulse-token" }, answer });
      await settle();
      world.socket().onopen();
      world.socket().receive({ id: 1, connect: { client: "me", ping: 25, pong: true, expires: true, ttl: 10 } });
      await world.pass(9_500);
      assert.equal(answers, 2);
      assert.deepEqual([world.sockets.length, world.socket().closed], [1, false]);
    });
  });
}
