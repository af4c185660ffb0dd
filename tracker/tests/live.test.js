// live.js on the wire: what it says and what it is told are protocol/golden/command-*.json, reply-*.json and push-*.json.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { builds, golden, gzipped, page, storage } from "./world.js";

const TAG = { tag: { site: "example.com" }, src: "https://stats.test/js/live.js" };

test("the live script weighs no more than 4,096 bytes as it travels", () => {
  assert.ok(gzipped("live.js") <= 4096, `${gzipped("live.js")} bytes`);
});

for (const [build, scripts] of Object.entries(builds)) {
  const open = async (options) => {
    const world = page({ ...TAG, streams: false, ...options });
    world.socket = () => world.sockets.at(-1);
    world.running = () => world.sockets.filter((socket) => !socket.closed).length;
    /** The server takes the newest connection and counts it. */
    world.join = () => {
      world.socket().onopen();
      world.socket().receive(golden("reply-connect"));
      world.socket().receive(golden("reply-subscribe-data"));
    };
    world.shut = (code) => {
      world.socket().closed = true;
      world.socket().onclose({ code });
    };
    await world.run(scripts, "live.js");
    return world;
  };
  const online = (world) => world.dispatched.map(({ type, detail }) => [type, detail]);

  describe(`the live script, ${build}`, () => {
    test("opens one socket on the server it came from, connects, then subscribes to its site", async () => {
      const world = await open();
      assert.deepEqual(world.sockets.map((s) => s.address), ["wss://stats.test/connection/websocket"]);
      world.socket().onopen();
      assert.deepEqual(world.socket().sent, [golden("command-connect-pulse")]);
      world.socket().receive(golden("reply-connect"));
      assert.deepEqual(world.socket().sent[1], golden("command-subscribe-online"));
      assert.equal((await open({ src: "http://localhost:3000/js/live.js" })).socket().address, "ws://localhost:3000/connection/websocket");
    });

    test("tells the page how many are online, as an event and in its elements", async () => {
      const world = await open();
      const element = {};
      world.document.counters.push(element);
      world.join();
      assert.equal(element.textContent, golden("online-count").online);
      world.socket().receive(golden("push-online"));
      assert.equal(element.textContent, 13);
      assert.deepEqual(online(world), [["pulse:online", 12], ["pulse:online", 13]]);
    });

    test("says zero, too", async () => {
      const world = await open();
      world.join();
      world.socket().receive({ push: { channel: "online:example.com", pub: { data: { online: 0 } } } });
      assert.deepEqual(online(world).at(-1), ["pulse:online", 0]);
    });

    test("answers a ping with a pong, and reads several replies of one frame", async () => {
      const world = await open();
      world.join();
      world.socket().receive(golden("reply-ping"), golden("push-online"), golden("reply-ping"));
      world.socket().onmessage({ data: "\n" });
      assert.equal(world.running(), 1);
      assert.deepEqual(world.socket().sent.slice(2), [golden("command-pong"), golden("command-pong")]);
      assert.deepEqual(online(world).at(-1), ["pulse:online", 13]);
    });

    test("comes back after a loss with full jitter, from half a second to twenty", async () => {
      const world = await open();
      world.join();
      const waits = [];
      world.random = 0.999999;
      for (let i = 0; i < 12; i++) {
        world.shut(1006);
        const [{ at }] = [...world.timers.values()];
        waits.push(Math.round(at - world.now));
        await world.pass(at - world.now);
        assert.equal(world.sockets.length, i + 2);
      }
      assert.deepEqual(waits.slice(0, 4), [1000, 1500, 2500, 4500]);
      assert.equal(Math.max(...waits), 20_000);
      world.random = 0;
      world.shut(1006);
      await world.pass(499);
      assert.equal(world.sockets.length, 13);
      await world.pass(1);
      assert.equal(world.sockets.length, 14);
    });

    test("begins with short waits again once it has been counted", async () => {
      const world = await open();
      world.random = 1;
      for (let i = 0; i < 8; i++) {
        world.shut(1006);
        await world.pass(20_000);
      }
      world.join();
      world.shut(1006);
      await world.pass(1000);
      assert.equal(world.sockets.length, 10);
    });

    test("comes back at once when the network or the tab does", async () => {
      for (const back of [(w) => w.go_online(), (w) => w.hide(false)]) {
        const world = await open();
        world.join();
        world.random = 1;
        world.shut(1006);
        await back(world);
        assert.equal(world.sockets.length, 2);
        await world.pass(20_000);
        assert.equal(world.sockets.length, 2, "and only once");
      }
    });

    test("obeys close codes: 3500–3999 and 4500–4999 are for good, the others are not", async () => {
      for (const [code, returns] of [[1006, true], [3001, true], [3499, true], [3500, false], [3999, false], [4000, true], [4499, true], [4500, false], [4999, false], [5000, true]]) {
        const world = await open();
        world.join();
        world.shut(code);
        await world.pass(20_000);
        await world.go_online();
        assert.equal(world.sockets.length > 1, returns, `${code}`);
      }
    });

    test("a refusal is for good, a passing error is not", async () => {
      for (const [reply, returns] of [["reply-error", false], ["reply-error-temporary", true]]) {
        const world = await open();
        world.socket().onopen();
        world.socket().receive(golden("reply-connect"));
        world.socket().receive({ ...golden(reply), id: 2 });
        assert.ok(world.sockets[0].closed, "holds no connection that counts nothing");
        await world.pass(60_000);
        assert.equal(world.sockets.length > 1, returns, reply);
      }
    });

    test("subscribes again when told that its state is insufficient, and leaves when its right is gone", async () => {
      const world = await open();
      world.join();
      world.socket().receive({ push: { ...golden("push-unsubscribe-insufficient").push, channel: "online:example.com" } });
      assert.deepEqual(world.socket().sent.slice(2), [{ ...golden("command-subscribe-online"), id: 3 }]);
      world.socket().receive({ push: { ...golden("push-unsubscribe").push, channel: "online:example.com" } });
      await world.pass(60_000);
      assert.equal(world.running(), 0);
    });

    test("a disconnect that comes as a message counts like a close code", async () => {
      const world = await open();
      world.join();
      world.socket().receive(golden("push-disconnect"), golden("reply-ping"));
      await world.pass(60_000);
      assert.equal(world.running(), 0);
    });

    test("a connection that has gone silent is given up and replaced", async () => {
      const world = await open();
      world.join(); // its server pings every 25 s
      await world.pass(34_999);
      world.socket().receive(golden("reply-ping"));
      await world.pass(34_999);
      assert.equal(world.sockets.length, 1);
      await world.pass(501);
      assert.equal(world.sockets.length, 2);
      assert.ok(world.sockets[0].closed);
    });

    test("a connection that never comes about is given up, too", async () => {
      const world = await open();
      await world.pass(60_500);
      assert.equal(world.sockets.length, 2);
    });

    test("keeps its one socket, however often the tab comes and goes", async () => {
      const world = await open();
      world.join();
      for (const hidden of [true, false, true, false]) world.hide(hidden);
      await world.go_online();
      assert.equal(world.sockets.length, 1);
    });

    test("does not come back into a page that has gone away", async () => {
      const world = await open();
      world.join();
      world.shut(1006);
      world.fire("pagehide");
      await world.pass(60_000);
      assert.equal(world.sockets.length, 1);
    });

    test("closes when the page goes away and opens again when it comes back from the cache", async () => {
      const world = await open();
      world.join();
      world.fire("pagehide");
      assert.equal(world.running(), 0);
      await world.pass(600_000);
      assert.equal(world.sockets.length, 1, "nothing runs in the cache");
      world.fire("pageshow", { persisted: true });
      assert.equal(world.running(), 1);
      world.join();
      assert.equal(world.socket().sent.length, 2);
    });

    test("a page that nobody has seen is not online; one that was seen stays so in the background", async () => {
      const world = await open({ hidden: true });
      await world.go_online();
      assert.equal(world.sockets.length, 0);
      world.hide(false);
      assert.equal(world.running(), 1);
      world.join();
      world.hide(true);
      assert.equal(world.running(), 1);
    });

    test("is silent where the server talks nonsense or the page forbids sockets", async () => {
      const world = await open();
      world.socket().onopen();
      world.socket().onmessage({ data: "<html>" });
      assert.ok(world.sockets[0].closed);
      const strict = page({ ...TAG, streams: false });
      strict.context.WebSocket = class {
        constructor() { throw new Error("SecurityError"); }
      };
      await strict.run(scripts, "live.js");
      assert.equal(strict.timers.size, 0);
    });

    test("a visitor who opted out is not counted as online", async () => {
      for (const key of ["pulse_ignore", "plausible_ignore"]) assert.equal((await open({ local: storage({ [key]: "true" }) })).sockets.length, 0);
      assert.equal((await open({ local: null })).sockets.length, 1, "blocked storage is no opting out");
    });
  });
}
