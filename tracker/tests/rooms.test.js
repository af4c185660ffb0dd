// Rooms in live.js: joined, published to, told of by the browser itself; with tokens that are renewed.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { builds, page, settle } from "./world.js";

const ROOM = "room:example.com:lobby";

for (const [build, scripts] of Object.entries(builds)) {
  const open = async ({ tag = {}, permission = "granted", answer, ...options } = {}) => {
    const world = page({ tag: { site: "example.com", ...tag }, src: "https://stats.test/js/live.js", streams: false, ...options });
    if (answer) world.answer = answer;
    world.shown = [];
    world.context.Notification = class {
      static permission = permission;
      static requestPermission = async () => "granted";
      constructor(title, options) {
        world.shown.push({ title, ...options });
      }
    };
    await world.run(scripts, "live.js");
    world.pulse = world.context.pulse;
    world.socket = () => world.sockets.at(-1);
    world.sent = (method) => world.socket().sent.filter((command) => command[method]);
    world.join = async (connect = {}) => {
      world.socket().onopen();
      await settle();
      world.socket().receive({ id: 1, connect: { client: "me", ping: 25, pong: true, ...connect } });
    };
    world.publishes = (data, from = { user: "bob", client: "his" }) =>
      world.socket().receive({ push: { channel: ROOM, pub: { data, info: from } } });
    return world;
  };

  describe(`rooms in the live script, ${build}`, () => {
    test("a room is joined, told of what others say, and published to", async () => {
      const world = await open();
      const heard = [];
      const room = world.pulse.room("lobby").on("message", (data, from) => heard.push([from.user, data.text]));
      assert.equal(world.pulse.room("lobby"), room, "it is one room");
      await world.join();
      assert.deepEqual(world.sent("subscribe").map(({ subscribe }) => subscribe.channel).includes(ROOM), true);
      world.publishes({ text: "hello" });
      assert.deepEqual(heard, [["bob", "hello"]]);
      const answers = [];
      room.publish({ text: "hi" }, (error) => answers.push(error));
      const [{ id, publish }] = world.sent("publish");
      assert.deepEqual(publish, { channel: ROOM, data: { text: "hi" } });
      world.socket().receive({ id, publish: {} });
      assert.deepEqual(answers, [undefined]);
    });

    test("what is published before there is a connection is answered, not lost in silence", async () => {
      const world = await open();
      const answers = [];
      world.pulse.tell("to-bob", {}, (error) => answers.push(error.temporary));
      assert.deepEqual(answers, [true]);
      await world.join();
      world.pulse.tell("to-bob", {}, (error) => answers.push(error.temporary));
      world.socket().onclose({ code: 1006 });
      assert.deepEqual(answers, [true, true]);
    });

    test("telling somebody something joins nothing", async () => {
      const world = await open();
      await world.join();
      world.pulse.tell("to-bob", { text: "waves" });
      assert.deepEqual(world.sent("publish")[0].publish.channel, "room:example.com:to-bob");
      assert.equal(world.sent("subscribe").some(({ subscribe }) => subscribe.channel.startsWith("room:")), false);
    });

    test("a notification is shown of what others say while nobody looks, where it is allowed", async () => {
      const world = await open();
      world.pulse.room("lobby").notify(({ text }, from) => (text ? { title: from.user, body: text } : undefined));
      await world.join();
      world.publishes({ text: "seen" });
      assert.deepEqual(world.shown, [], "somebody looks at the page");
      world.hide(true);
      world.publishes({ text: "hello" });
      world.publishes({ text: "mine" }, { user: "ann", client: "me" });
      world.publishes({});
      assert.deepEqual(world.shown, [{ title: "bob", body: "hello" }]);

      const denied = await open({ permission: "default" });
      denied.pulse.room("lobby").notify(() => ({ title: "x" }));
      await denied.join();
      denied.hide(true);
      denied.publishes({ text: "hello" });
      assert.deepEqual(denied.shown, []);
    });

    test("permission is asked for when the page says so, and not by itself", async () => {
      const world = await open({ permission: "default" });
      let asked = 0;
      world.context.Notification.requestPermission = async () => (asked++, "denied");
      world.pulse.room("lobby").notify(() => ({ title: "x" }));
      await world.join();
      assert.equal(asked, 0);
      const answers = [];
      world.pulse.allow((permission) => answers.push(permission));
      await settle();
      assert.deepEqual([asked, answers], [1, ["denied"]]);
      delete world.context.Notification;
      world.pulse.allow((permission) => answers.push(permission));
      assert.deepEqual(answers, ["denied", "denied"]);
    });

    test("a token is asked for at the site's own address and renewed before it runs out", async () => {
      let issued = 0;
      const answer = () => ({ status: 200, json: { token: `t${++issued}` } });
      const world = await open({ tag: { tokenUrl: "/token" }, answer });
      await settle();
      await world.join({ expires: true, ttl: 100 });
      assert.deepEqual(world.sent("connect")[0].connect, { token: "t1", name: "pulse" });
      // The server's pings keep it alive meanwhile.
      for (let i = 0; i < 4; i++) {
        await world.pass(22_000);
        world.socket().receive({});
      }
      assert.equal(issued, 1);
      await world.pass(3_000);
      const [{ id, refresh }] = world.sent("refresh");
      assert.deepEqual([refresh, world.requests.at(-1).url], [{ token: "t2" }, "/token"]);
      world.socket().receive({ id, refresh: { expires: true, ttl: 10 } });
      await world.pass(9_000);
      assert.equal(world.sent("refresh").length, 2);
      assert.equal(world.sockets.length, 1, "all on the same connection");
    });

    test("a room that is not ours is told to the page and not tried again and again", async () => {
      const world = await open();
      const errors = [];
      world.pulse.room("boss").on("error", (error) => errors.push(error.code));
      await world.join();
      const { id } = world.sent("subscribe").find(({ subscribe }) => subscribe.channel.endsWith("boss"));
      world.socket().receive({ id, error: { code: 103, message: "permission denied" } });
      assert.deepEqual(errors, [103]);
      assert.equal(world.socket().closed, false);
    });
  });
}
