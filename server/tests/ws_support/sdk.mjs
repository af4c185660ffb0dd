// npm's `centrifuge` as a stranger's program uses it, over the transport that it is told. Takes orders on stdin (connect, away, count), tells on
// stdout what happened, one JSON a line.
import { Centrifuge } from "centrifuge";
import { createInterface } from "node:readline";
import { EventSource } from "undici";

const tell = (what, ctx) => console.log(JSON.stringify({ what, ...ctx }));
const [, , address, transport, token] = process.argv;
class Socket extends WebSocket {
  send(data) {
    super.send(data);
    if (data === "{}") tell("pong");
  }
}
const heard = async (url, options) => {
  const answer = await fetch(url, options);
  if (url.endsWith("/emulation") && JSON.parse(options.body).data === "{}") tell("pong");
  return answer;
};
const endpoint = transport === "websocket" ? `ws://${address}/connection/websocket` : `http://${address}/connection/${transport}`;
const client = new Centrifuge([{ transport, endpoint }], {
  token,
  minReconnectDelay: 10,
  websocket: Socket,
  fetch: heard,
  eventsource: EventSource,
  emulationEndpoint: `http://${address}/emulation`,
});
client.on("connected", (ctx) => tell("connected", { client: ctx.client, transport: ctx.transport }));
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
