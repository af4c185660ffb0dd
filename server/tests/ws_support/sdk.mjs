// npm's `centrifuge` as a stranger's program uses it. Takes orders on stdin (connect, away, count), tells on stdout what happened, one JSON a line.
import { Centrifuge } from "centrifuge";
import { createInterface } from "node:readline";

const tell = (what, ctx) => console.log(JSON.stringify({ what, ...ctx }));
const [, , url, token] = process.argv;
class Socket extends WebSocket {
  send(data) {
    super.send(data);
    if (data === "{}") tell("pong");
  }
}
const client = new Centrifuge(url, { token, minReconnectDelay: 10, websocket: Socket });
client.on("connected", (ctx) => tell("connected", { client: ctx.client }));
client.on("disconnected", (ctx) => tell("disconnected", { code: ctx.code }));
client.on("connecting", (ctx) => tell("connecting", { code: ctx.code, reason: ctx.reason }));
client.on("error", (ctx) => tell("error", ctx));
const live = client.newSubscription("live:a.com");
live.on("subscribed", (ctx) =>
  tell("subscribed", { recovered: ctx.recovered, wasRecovering: ctx.wasRecovering, position: ctx.streamPosition, data: ctx.data }),
);
live.on("publication", (ctx) => tell("publication", { offset: ctx.offset, data: ctx.data }));
live.on("error", (ctx) => tell("error", ctx));
live.subscribe();

for await (const order of createInterface({ input: process.stdin })) {
  if (order === "connect") client.connect();
  if (order === "away") client.disconnect();
  if (order === "count") live.presenceStats().then((ctx) => tell("counted", { clients: ctx.numClients }));
}
