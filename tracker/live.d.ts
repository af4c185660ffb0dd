// What pages can call once live.js is there. Nothing returns a promise: what happens later is told to a function.

/** An item of the feed; `html` was made and cleaned by the server. See protocol/src/feed.rs. */
export interface FeedItem {
  id: number;
  kind: "message" | "link" | "embed" | "visit";
  title: string;
  html: string;
  url?: string;
  image?: string;
  pinned: boolean;
  /** Milliseconds since 1970. */
  published_at: number;
  expires_at?: number;
  audience?: { path?: string; countries?: string[] };
}

/** Somebody in a room. */
export interface RoomClient {
  /** The connection. */
  client: string;
  /** Who, by the site's own name for them. */
  user: string;
  /** What the site's token says about the connection. */
  conn_info?: unknown;
}

/** Why something was not done; `temporary`: it may be tried again. */
export interface LiveError {
  code: number;
  message: string;
  temporary?: boolean;
}

/** A room of the site; it is joined as long as the page is open, also after an interruption. */
export interface Room {
  /** Joined, again after each interruption; then `recovered` says whether all that was missed has come. */
  on(type: "open", f: (recovered: boolean) => void): Room;
  /** What somebody published, this page included. */
  on(type: "message", f: (data: unknown, from?: RoomClient) => void): Room;
  /** Somebody came or went, where the room says so. */
  on(type: "join" | "leave", f: (who: RoomClient) => void): Room;
  /** The room cannot be joined. */
  on(type: "error", f: (error: LiveError) => void): Room;
  /** Publishes; `done` is told whether it worked. */
  publish(data: unknown, done?: (error?: LiveError) => void): void;
  /**
   * What others publish while nobody looks at the page is shown as the browser's own notification, where the visitor has allowed that
   * (`pulse.allow`). `make` says how it reads; nothing, and there is none.
   */
  notify(make: (data: unknown, from?: RoomClient) => (NotificationOptions & { title: string }) | undefined): Room;
  /** Asks who is there, where the room says so. */
  presence(done: (error: LiveError | undefined, clients: RoomClient[]) => void): void;
  leave(): void;
}

/** What live.js adds to `window.pulse`. */
export interface PulseLive {
  /** Each item that is shown or changed; those that are there already at once, the oldest first. */
  on(type: "feed", f: (item: FeedItem) => void): void;
  /** An item is not to be shown any more. */
  on(type: "withdraw", f: (id: number) => void): void;
  /** How many visitors are on the site now. */
  on(type: "online", f: (count: number) => void): void;
  /** Joins a room, or gives the one that is joined already. */
  room(name: string): Room;
  /** Publishes to a room without joining it, where the visitor may; `done` is told whether it worked. */
  tell(room: string, data: unknown, done?: (error?: LiveError) => void): void;
  /** Asks the visitor whether notifications may be shown. Call it from a click: browsers ask at no other time, and nor do we. */
  allow(done?: (permission: NotificationPermission) => void): void;
}

declare global {
  interface Window {
    pulse: PulseLive & ((name: string, options?: Record<string, unknown>) => void);
  }
  interface DocumentEventMap {
    "pulse:feed": CustomEvent<FeedItem>;
    "pulse:withdraw": CustomEvent<number>;
    "pulse:online": CustomEvent<number>;
  }
}
