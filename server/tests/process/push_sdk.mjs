// npm's `centrifuge`, a client that nobody here wrote, against the real server: all that a site's visitors do with it, over one transport.
// Told by JSON in the first argument where the server is and who is who; says on stdout what went well, a JSON line each; where it says that
// the server is to be started anew, it waits for a line on stdin. A promise that is not kept ends it.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import { EventSource } from "undici";
// Node's own WebSocket of version 20 does not say when it could not connect.
import WebSocket from "ws";

const { address, transport, site, secret, key, member } = JSON.parse(process.argv[2]);
const http = `http://${address}`;
const did = (what) => console.log(JSON.stringify({ did: what }));
const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const LOBBY = `room:${site}:lobby`;
const FEED = `feed:${site}`;

/** What happens within this many seconds, or the test has failed. */
const within = (promise, what, seconds = 20) =>
  Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`does not happen over ${transport}: ${what}`)), seconds * 1000).unref()),
  ]);
const happens = (emitter, event, what = event, is = () => true) =>
  within(new Promise((resolve) => emitter.on(event, (ctx) => is(ctx) && resolve(ctx))), what);

/** What the site's own server gives its visitors. */
const token = (name, seconds) => {
  const part = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const rooms = { lobby: ["read", "publish", "presence", "history"] };
  const said = part({ alg: "HS256", typ: "JWT" }) + "." + part({ sub: name, aud: site, iat: now, exp: now + seconds, jti: randomUUID(), rooms });
  return said + "." + createHmac("sha256", secret).update(said).digest("base64url");
};

const connects = (options) => {
  const endpoint = transport === "websocket" ? `ws://${address}/connection/websocket` : `${http}/connection/${transport}`;
  const means = { websocket: WebSocket, eventsource: EventSource, emulationEndpoint: `${http}/emulation`, minReconnectDelay: 50, maxReconnectDelay: 300 };
  return new Centrifuge([{ transport, endpoint }], { ...means, ...options });
};

class Person {
  refreshed = 0;
  heard = [];
  constructor(name, seconds = 3600) {
    this.name = name;
    this.client = connects({
      token: token(name, seconds),
      getToken: async () => {
        this.refreshed += 1;
        return token(name, 3600);
      },
    });
    this.lobby = this.client.newSubscription(LOBBY, { joinLeave: true });
    this.lobby.on("publication", (ctx) => this.heard.push([ctx.offset, ctx.data.n]));
    this.lobby.on("error", (ctx) => console.error(name, "lobby", ctx));
  }
  async arrives() {
    const up = happens(this.client, "connected");
    const in_ = happens(this.lobby, "subscribed");
    this.lobby.subscribe();
    this.client.connect();
    assert.equal((await up).transport, transport);
    return in_;
  }
  /** Waits until everything up to this one has been heard, each once and in order. */
  async hears(last) {
    const wait = async () => {
      while (!this.heard.some(([, n]) => n >= last)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await within(wait(), `${this.name} hears ${last}: ${JSON.stringify(this.heard)}`);
    const first = this.heard[0][1];
    assert.deepEqual(this.heard.map(([, n]) => n), Array.from({ length: last - first + 1 }, (_, i) => first + i));
    const offsets = this.heard.map(([offset]) => offset);
    assert.deepEqual(offsets, Array.from(offsets, (_, i) => offsets[0] + i), "offsets rise by one");
  }
}

const [ada, bob] = [new Person("ada"), new Person("bob")];
await Promise.all([ada.arrives(), bob.arrives()]);
did("connect and subscribe");

await ada.lobby.publish({ n: 1 });
await ada.client.publish(LOBBY, { n: 2 });
await Promise.all([ada.hears(2), bob.hears(2)]);
did("publish");

const { publications, epoch, offset } = await within(bob.lobby.history({ limit: 10 }), "history");
assert.deepEqual(publications.map((one) => one.data.n), [1, 2]);
const later = await bob.lobby.history({ limit: 10, since: { epoch, offset: offset - 1 } });
assert.deepEqual(later.publications.map((one) => one.data.n), [2]);
const newest = await bob.lobby.history({ limit: 1, reverse: true });
assert.deepEqual(newest.publications.map((one) => one.data.n), [2]);
did("history");

const { clients } = await within(ada.lobby.presence(), "presence");
assert.deepEqual(Object.values(clients).map((one) => one.user).sort(), ["ada", "bob"]);
assert.deepEqual(await ada.lobby.presenceStats(), { numClients: 2, numUsers: 2 });
did("presence");

await assert.rejects(within(ada.client.publish(`room:${site}:closed`, {}), "refusal"), (error) => [102, 103].includes(error.code));
await assert.rejects(within(ada.client.publish(FEED, {}), "refusal"), (error) => error.code === 103);
await assert.rejects(within(ada.client.rpc("dance", {}), "refusal"), (error) => error.code === 104);
did("refusals");

bob.client.disconnect();
for (const n of [3, 4, 5]) await ada.lobby.publish({ n });
const back = happens(bob.lobby, "subscribed");
bob.client.connect();
assert.deepEqual([(await back).wasRecovering, (await back).recovered], [true, true]);
await Promise.all([ada.hears(5), bob.hears(5)]);
did("recovery after being cut off");

const connecting = happens(ada.client, "connecting", "the server says goodbye");
did("restart");
await orders.next();
assert.equal((await connecting).code, 3001, "told to come back");
const ready = async () => {
  for (const person of [ada, bob]) await person.lobby.ready(20_000);
};
await within(ready(), "both are back");
for (const n of [6, 7]) await ada.lobby.publish({ n });
await Promise.all([ada.hears(7), bob.hears(7)]);
const kept = await bob.lobby.history({ limit: 100 });
assert.equal(kept.epoch, epoch, "the stream is still the same");
assert.deepEqual(kept.publications.map((one) => one.data.n), [1, 2, 3, 4, 5, 6, 7]);
did("recovery after a restart");

assert.equal(ada.refreshed, 0);
const old = new Person("eve", 5);
await old.arrives();
const refreshed = async () => {
  while (old.refreshed === 0) await new Promise((resolve) => setTimeout(resolve, 20));
};
let cut = false;
old.client.on("connecting", () => (cut = true));
await within(refreshed(), "the token is renewed");
await old.lobby.publish({ n: 8 });
await Promise.all([old.hears(8), bob.hears(8)]);
assert.equal(cut, false, "the connection stays");
did("token refresh");

// Feeds are for the site's pages and its members; a program is no page.
const editor = connects({ token: member });
const feed = editor.newSubscription(FEED);
const item = happens(feed, "publication", "an item");
const begun = happens(feed, "subscribed", "the feed");
feed.subscribe();
editor.connect();
await begun;
const headers = { "x-api-key": key, "content-type": "application/json" };
const body = JSON.stringify({ channel: FEED, data: { kind: "message", title: "Hello", text: "*you*" } });
const answer = await (await fetch(`${http}/api/publish`, { method: "POST", headers, body })).json();
assert.ok(answer.result, JSON.stringify(answer));
assert.equal((await item).data.publish.title, "Hello");
did("feed");

for (const client of [ada.client, bob.client, old.client, editor]) client.disconnect();
did("all");
process.exit(0);
