// A small site that has a session cookie and signs nothing: Pulsecast asks it whose cookie that is (`POST /pulsecast/connect`). For the
// cookie to come along, Pulsecast is reached through this very server, as nginx or Caddy would do it (`pass`): then the cookie is this
// site's own whatever carries the connection. Node only, nothing to install; see README.md.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, request as ask } from "node:http";

const { PORT = "8082", PULSECAST = "http://127.0.0.1:3000", SITE = "localhost", ANSWER_SECONDS = "60" } = process.env;

// In your site: your own users, with hashed passwords, and the sessions that your framework keeps.
const users = { ann: { name: "Ann", password: "tide" }, bob: { name: "Bob", password: "harbour" } };
const sessions = new Map();

function sameText(a, b) {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function sessionOf(request) {
  return /(?:^|;\s*)site_session=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
}

async function bodyOf(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 10_000) throw new Error("too long");
  }
  return body;
}

async function page(file, values) {
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  const escaped = (value) => value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return text.replace(/\{\{(\w+)\}\}/g, (_, name) => escaped(values[name] ?? ""));
}

/** What belongs to Pulsecast is passed on to it, sockets too. */
const passed = /^\/(connection\/|emulation$|js\/|api\/feed\/|api\/event)/;
const pulsecast = new URL(PULSECAST);

function pass(request, then) {
  const { hostname, port } = pulsecast;
  const onward = ask({ hostname, port, method: request.method, path: request.url, headers: request.headers });
  onward.on("error", () => then());
  return onward;
}

const html = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://site");
  if (passed.test(pathname)) {
    const onward = pass(request, () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    response.on("close", () => onward.destroy());
    request.pipe(onward);
    return;
  }
  const user = sessions.get(sessionOf(request));
  const route = `${request.method} ${pathname}`;
  if (route === "POST /pulsecast/connect") {
    // Pulsecast asks, with the visitor's cookie. Whoever else asks learns only who they are themselves.
    if (!user) return response.writeHead(401).end();
    const rooms = { lobby: ["read", "publish", "presence", "history"], [`to-${user}`]: ["read", "history"], "to-*": ["publish"] };
    const told = { user, info: { name: users[user].name }, rooms, expires_in: Number(ANSWER_SECONDS) };
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told));
  }
  if (route === "GET /") {
    const file = user ? "notes.html" : "login.html";
    return response.writeHead(200, html).end(await page(file, { user: user ?? "", site: SITE }));
  }
  if (route === "POST /login") {
    const sent = new URLSearchParams(await bodyOf(request));
    const name = sent.get("user") ?? "";
    const known = Object.hasOwn(users, name) && sameText(users[name].password, sent.get("password") ?? "");
    if (!known) return response.writeHead(401, html).end(await page("login.html", { problem: "Wrong name or password." }));
    const id = randomBytes(18).toString("base64url");
    sessions.set(id, name);
    return response.writeHead(303, { location: "/", "set-cookie": `site_session=${id}; HttpOnly; SameSite=Lax; Path=/` }).end();
  }
  if (route === "POST /logout") {
    sessions.delete(sessionOf(request));
    return response.writeHead(303, { location: "/" }).end();
  }
  response.writeHead(404).end("not found");
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.headersSent ? response.destroy() : response.writeHead(500).end();
  });
});
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  if (!passed.test(request.url)) return socket.destroy();
  const onward = pass(request, () => socket.destroy());
  const line = (answer) => `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
  const fields = ({ rawHeaders }) => rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `)).join("");
  onward.on("upgrade", (answer, other, first) => {
    other.on("error", () => socket.destroy());
    socket.on("close", () => other.destroy());
    other.on("close", () => socket.destroy());
    socket.write(`${line(answer)}${fields(answer)}\r\n`);
    if (first.length) socket.write(first);
    if (head.length) other.write(head);
    socket.pipe(other).pipe(socket);
  });
  onward.on("response", (answer) => socket.end(`${line(answer)}connection: close\r\n\r\n`));
  onward.end();
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://localhost:${server.address().port}`));
