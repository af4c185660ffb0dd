// The golden files against the client that the protocol comes from: npm's `centrifuge` says what they say, and understands them.
import assert from "node:assert/strict";
import { test as run } from "node:test";
import { Centrifuge } from "centrifuge";
import { golden } from "./world.js";

/** A socket of which the test is the other end. */
class Wire extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  static last;
  readyState = 1;
  sent = [];
  constructor() {
    super();
    Wire.last = this;
    queueMicrotask(() => this.onopen());
  }
  send(text) {
    this.sent.push(...text.split("\n").map((line) => JSON.parse(line)));
    this.heard?.();
  }
  close() {
    this.readyState = 3;
    queueMicrotask(() => this.onclose?.({ code: 1000, reason: "" }));
  }
  push(...replies) {
    this.onmessage({ data: replies.map((reply) => JSON.stringify(reply)).join("\n") });
  }
  /** The next command of this kind. */
  async command(kind) {
    for (;;) {
      const at = this.sent.findIndex((command) => kind in command);
      if (at >= 0) return this.sent.splice(at, 1)[0];
      await new Promise((resolve) => (this.heard = resolve));
    }
  }
  /** Answers a command with a golden reply, under the id that the command has. */
  answer(command, reply) {
    this.push({ ...golden(reply), id: command.id });
  }
}

const test = (sentence, f) => run(sentence, { timeout: 10_000 }, f);
const TOKEN = golden("command-connect").connect.token;
const said = ({ id, ...command }) => command;
const expected = (name) => said(golden(name));
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

async function connected(t) {
  const client = new Centrifuge("ws://test", { websocket: Wire, token: TOKEN, data: { page: "/" }, name: "js", version: "1.2.3", getToken: async () => TOKEN, minReconnectDelay: 1, maxReconnectDelay: 1 });
  t.after(() => client.disconnect());
  const up = once(client, "connected");
  client.connect();
  await new Promise((resolve) => setImmediate(resolve));
  const command = await Wire.last.command("connect");
  assert.deepEqual(said(command), expected("command-connect"));
  Wire.last.answer(command, "reply-connect");
  const context = await up;
  assert.equal(context.client, golden("reply-connect").connect.client);
  return { client, wire: Wire.last };
}

test("centrifuge connects with the golden command, and answers the golden ping with the golden pong", async (t) => {
  const { wire } = await connected(t);
  wire.push(golden("reply-ping"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(wire.sent, [golden("command-pong")]);
});

test("every call is the golden command and takes the golden reply", async (t) => {
  const { client, wire } = await connected(t);
  const call = async (promise, kind, name, reply) => {
    const command = await wire.command(kind);
    assert.deepEqual(said(command), expected(`command-${name}`), name);
    if (reply) wire.answer(command, `reply-${name}`);
    return promise;
  };
  const since = golden("command-history").history.since;
  const history = await call(client.history("feed:example.com", { limit: 10, since, reverse: true }), "history", "history", true);
  assert.deepEqual([history.epoch, history.offset, history.publications[0].data], ["kq3x", 42, { title: "First" }]);
  const old = client.history("feed:example.com", { limit: 10, since: { offset: 41 } });
  const command = await wire.command("history");
  assert.deepEqual(said(command), expected("command-history-centrifuge"));
  wire.answer(command, "reply-history");
  await old;
  await call(client.publish("room:example.com:lobby", { text: "hello" }), "publish", "publish", true);
  const there = await call(client.presence("room:example.com:lobby"), "presence", "presence", true);
  assert.equal(there.clients["7c1f6a9e"].user, "ada");
  const stats = await call(client.presenceStats("room:example.com:lobby"), "presence_stats", "presence-stats", true);
  assert.deepEqual(stats, { numUsers: 2, numClients: 3 });
  assert.deepEqual(await call(client.rpc("sites", { site: "example.com" }), "rpc", "rpc", true), { data: { sites: 1 } });
  await call(client.send({ typing: true }), "send", "send", false);
});

test("a refusal reaches the caller with its code", async (t) => {
  const { client, wire } = await connected(t);
  for (const name of ["reply-error", "reply-error-temporary"]) {
    const refused = assert.rejects(client.rpc("sites", {}), golden(name).error);
    wire.answer(await wire.command("rpc"), name);
    await refused;
  }
});

test("a subscription takes state and publications, and recovers what it missed from its position", async (t) => {
  const { client, wire } = await connected(t);
  const { channel, token, data } = golden("command-subscribe").subscribe;
  const sub = client.newSubscription(channel, { token, data, positioned: true, recoverable: true, joinLeave: true });
  const seen = [];
  sub.on("publication", (p) => seen.push(p.offset));
  const first = once(sub, "subscribed");
  sub.subscribe();
  const command = await wire.command("subscribe");
  const { flag, ...subscribe } = command.subscribe;
  assert.deepEqual({ subscribe }, expected("command-subscribe"));
  assert.equal(flag, golden("command-subscribe-centrifuge").subscribe.flag);
  wire.answer(command, "reply-subscribe");
  assert.deepEqual((await first).streamPosition, golden("position"));
  const news = once(sub, "publication");
  wire.push(golden("push-publication"));
  assert.deepEqual((await news).data, golden("push-publication").push.pub.data);

  const back = once(sub, "subscribed");
  wire.onclose({ code: 3001, reason: "shutdown" });
  while (Wire.last === wire) await new Promise((resolve) => setImmediate(resolve));
  const again = Wire.last;
  again.answer(await again.command("connect"), "reply-connect");
  const recover = (await again.command("subscribe"));
  const { recover: asked, epoch, offset } = recover.subscribe;
  assert.deepEqual({ recover: asked, epoch, offset }, { recover: true, epoch: "kq3x", offset: 42 });
  again.push({ id: recover.id, subscribe: { ...golden("reply-subscribe-recovered").subscribe, publications: golden("reply-subscribe-recovered").subscribe.publications.slice(1) } });
  const context = await back;
  assert.deepEqual([context.recovered, context.wasRecovering], [true, true]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen, [42, 43]);

  sub.unsubscribe();
  const left = await again.command("unsubscribe");
  assert.deepEqual(said(left), expected("command-unsubscribe"));
  again.answer(left, "reply-unsubscribe");
});

test("a subscription hears its state, its end, and whether to come again", async (t) => {
  const { client, wire } = await connected(t);
  const sub = client.newSubscription("online:example.com");
  const subscribed = once(sub, "subscribed");
  sub.subscribe();
  wire.answer(await wire.command("subscribe"), "reply-subscribe-data");
  assert.deepEqual((await subscribed).data, golden("online-count"));
  const again = once(sub, "subscribing");
  wire.push(golden("push-unsubscribe-insufficient"));
  assert.equal((await again).code, 2500);
  wire.answer(await wire.command("subscribe"), "reply-subscribe-data");

  const live = client.newSubscription("live:example.com");
  const on = once(live, "subscribed");
  live.subscribe();
  wire.answer(await wire.command("subscribe"), "reply-subscribe-unrecovered");
  assert.equal((await on).recovered, false);
  const ended = once(live, "unsubscribed");
  wire.push(golden("push-unsubscribe"));
  assert.equal((await ended).code, golden("push-unsubscribe").push.unsubscribe.code);
});

test("a golden disconnect is for good", async (t) => {
  const { client, wire } = await connected(t);
  const gone = once(client, "disconnected");
  wire.push(golden("push-disconnect"));
  assert.equal((await gone).code, golden("push-disconnect").push.disconnect.code);
});
