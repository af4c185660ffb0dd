// A small site with a login of its own whose visitors talk to each other through Pulsecast. The only thing it does for that is to sign a
// token that says who is signed in and which rooms are theirs (`tokenFor`). Node only, nothing to install; see README.md.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const {
  PORT = "8081",
  PULSECAST = "http://127.0.0.1:3000",
  SITE = "localhost",
  VISITOR_SECRET = "",
  TOKEN_SECONDS = "600",
} = process.env;
if (!VISITOR_SECRET) {
  console.error(`no VISITOR_SECRET: make one with \`pulsecast visitor-secret --site ${SITE}\``);
  process.exit(1);
}

// In your site: your own users, with hashed passwords.
const users = { ann: { name: "Ann", password: "tide" }, bob: { name: "Bob", password: "harbour" } };
const sessions = new Map();

const base64url = (json) => Buffer.from(JSON.stringify(json)).toString("base64url");

/** HS256 by hand, to show that there is nothing to it; any JWT library does the same. */
function sign(claims) {
  const unsigned = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  return `${unsigned}.${createHmac("sha256", VISITOR_SECRET).update(unsigned).digest("base64url")}`;
}

function tokenFor(user) {
  const now = Math.floor(Date.now() / 1000);
  return sign({
    sub: user,
    aud: SITE,
    iat: now,
    exp: now + Number(TOKEN_SECONDS),
    jti: randomBytes(9).toString("base64url"),
    info: { name: users[user].name },
    rooms: {
      // Everybody talks in the lobby; what is for one person goes to a room that only they can read.
      lobby: ["read", "publish", "presence", "history"],
      [`to-${user}`]: ["read", "history"],
      "to-*": ["publish"],
    },
  });
}

function sameText(a, b) {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function userOf(request) {
  const cookie = /(?:^|;\s*)chat_session=([\w-]+)/.exec(request.headers.cookie ?? "");
  return cookie ? sessions.get(cookie[1]) : undefined;
}

async function form(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 10_000) throw new Error("too long");
  }
  return new URLSearchParams(body);
}

async function page(file, values) {
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  const escaped = (value) => value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return text.replace(/\{\{(\w+)\}\}/g, (_, name) => escaped(values[name] ?? ""));
}

const html = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://site");
  const user = userOf(request);
  const route = `${request.method} ${pathname}`;
  if (route === "GET /") {
    const file = user ? "chat.html" : "login.html";
    return response.writeHead(200, html).end(await page(file, { user: user ?? "", pulsecast: PULSECAST, site: SITE }));
  }
  if (route === "POST /login") {
    const sent = await form(request);
    const name = sent.get("user") ?? "";
    const known = Object.hasOwn(users, name) && sameText(users[name].password, sent.get("password") ?? "");
    if (!known) return response.writeHead(401, html).end(await page("login.html", { problem: "Wrong name or password." }));
    const id = randomBytes(18).toString("base64url");
    sessions.set(id, name);
    return response.writeHead(303, { location: "/", "set-cookie": `chat_session=${id}; HttpOnly; SameSite=Lax; Path=/` }).end();
  }
  if (route === "POST /logout") {
    sessions.delete(/chat_session=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1]);
    return response.writeHead(303, { location: "/" }).end();
  }
  if (route === "GET /token") {
    // The page asks for a new one whenever the old one is about to run out.
    if (!user) return response.writeHead(401).end();
    return response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify({ token: tokenFor(user) }));
  }
  response.writeHead(404).end("not found");
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.headersSent ? response.destroy() : response.writeHead(500).end();
  });
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://localhost:${server.address().port}`));
