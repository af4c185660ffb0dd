// Pages of somebody else: a small web server on a port of its own. Every `NAME.example` leads the browser to it.
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";

export class Pages {
  private constructor(
    readonly port: number,
    readonly http: HttpServer,
  ) {}

  /** Serves these, by path; a path that ends in .js is a script, everything else HTML. What is not among them is "/404", with status 404. */
  static async serve(pages: Record<string, string>): Promise<Pages> {
    const http = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      const text = pages[path] ?? pages["/404"] ?? "nothing here";
      const type = path.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
      response.writeHead(path in pages ? 200 : 404, { "content-type": type, "cache-control": "no-store" }).end(text);
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return new Pages((http.address() as AddressInfo).port, http);
  }

  /** `http://shop.example:40123`. */
  origin(host = "127.0.0.1"): string {
    return `http://${host}:${this.port}`;
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

/** A page with this in its head. */
export function html(head: string, body = "<h1>A page</h1>"): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;
}
