// A browser of several tabs, with a clock of its own, in front of a gateway that tests say the answers of.
import { readFileSync } from "node:fs";

const source = readFileSync(process.env.SIDEGATE_CLIENT ?? new URL("../npm/client.js", import.meta.url), "utf8");

// The client's text as a function of what a tab has: so each tab has its own.
const run = new Function(
  "here",
  `const { ${["moduleURL", "fetch", "location", "document", "sessionStorage", "BroadcastChannel", "EventSource", "navigator",
    "addEventListener", "AbortSignal", "setTimeout", "clearTimeout", "Date", "Math", "reportError"].join(", ")} } = here;
  ${source.replaceAll("import.meta.url", "moduleURL").replaceAll(/^export const/gm, "const")}
  return { createClient, getState, getSession, subscribe, login, logout, refresh, switchAccount, hasRole, hasPermission, authFetch };`,
);

export const settled = async () => {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
};

export const ada = {
  id: 1, email: "ada@example.com", createdAt: "2026-01-05T09:00:00Z",
  accounts: [{ accountId: "acme" }, { accountId: "globex" }],
  flatRolesList: ["admin", "editor"], flatPermissionsList: ["orders:read"], token: "t",
};

const aborted = (signal) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

// Gateway answers like one. `signedIn` is who is; `trouble` is a status, or "network"; `held` keeps answers back.
export class Gateway {
  signedIn = ada;
  primary = "acme";
  trouble = null;
  asked = [];
  streams = [];
  ends = Infinity; // when the session ends, in milliseconds
  held = null;

  constructor(clock) {
    this.clock = clock;
  }

  get reads() {
    return this.asked.filter(({ path }) => path === "/auth/session");
  }

  hold() {
    this.held = {};
    this.held.promise = new Promise((resolve) => (this.held.resolve = resolve));
  }

  async fetch(input, init) {
    const request = new Request(new URL(input.url ?? input, "https://app.example.com"), input.url ? input : init);
    const { pathname } = new URL(request.url);
    this.asked.push({ path: pathname, method: request.method, account: decodeURIComponent(request.headers.get("X-Account-Id") ?? "") || null, request, text: init?.body, init });
    const trouble = this.trouble, answer = this.answer(request, pathname, init?.body);
    await Promise.race([this.held?.promise, this.held && aborted(init?.signal)]);
    if (trouble === "network") throw new TypeError("Failed to fetch");
    if (trouble) return Response.json({ error: "unavailable", status: trouble, message: "Cannot tell." }, { status: trouble });
    return answer;
  }

  answer(request, path, body) {
    const account = decodeURIComponent(request.headers.get("X-Account-Id") ?? "") || this.primary;
    if (path === "/app") return new Response("the app", { status: this.app ?? 200 });
    if (!this.signedIn) return Response.json({ error: "unauthorized", status: 401 }, { status: 401 });
    if (!this.signedIn.accounts.some((one) => one.accountId === account)) {
      return Response.json({ error: "forbidden", status: 403, message: "Not one of yours." }, { status: 403 });
    }
    if (path === "/auth/logout") {
      this.signedIn = null;
      return new Response(null, { status: 204 });
    }
    if (path === "/auth/session/primary-account") this.primary = JSON.parse(body).accountId;
    return this.session(request, account);
  }

  session(request, account) {
    const body = JSON.stringify({ ...this.signedIn, primaryAccount: { accountId: account } });
    const headers = { ETag: `"${body.length}.${encodeURIComponent(account)}.${this.signedIn.email}"`, Date: new Date(this.clock.now).toUTCString() };
    if (this.ends < Infinity) {
      headers["X-Session-Expires-At"] = new Date(this.ends + 3600e3).toISOString();
      headers["X-Session-Idle-Expires-At"] = new Date(this.ends).toISOString();
    }
    if (request.headers.get("If-None-Match") === headers.ETag) return new Response(null, { status: 304, headers });
    return new Response(body, { status: 200, headers: { ...headers, "Content-Type": "application/json" } });
  }
}

export class Clock {
  now = Date.parse("2026-03-01T12:00:00Z");
  timers = new Map();
  next = 1;

  setTimeout = (run, wait) => (this.timers.set(this.next, { run, at: this.now + (wait || 0) }), this.next++);
  clearTimeout = (id) => this.timers.delete(id);

  // forward puts the clock forward, and rings what is due on the way.
  async forward(wait) {
    const until = this.now + wait;
    for (;;) {
      const [id, due] = [...this.timers].filter(([, t]) => t.at <= until).sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!due) break;
      this.timers.delete(id);
      this.now = Math.max(this.now, due.at);
      due.run();
      await settled();
    }
    this.now = until;
    await settled();
  }
}

export class Browser {
  clock = new Clock();
  gateway = new Gateway(this.clock);
  channels = new Set();
  locks = new Map(); // name to those who wait, the holder first

  tab(options = {}) {
    return new Tab(this, options);
  }

  // request is navigator.locks.request: one has it, until what its callback returns is settled.
  request(name, { signal }, callback, tab) {
    const waiting = this.locks.get(name) ?? this.locks.set(name, []).get(name), one = { name, tab, callback };
    waiting.push(one);
    if (waiting.length === 1) this.grant(one);
    signal.addEventListener("abort", () => one.granted || this.drop(one));
    return new Promise(() => {});
  }

  grant(one) {
    one.granted = true;
    queueMicrotask(async () => {
      if (one.tab.still) return; // and keeps it
      await one.callback();
      this.drop(one);
    });
  }

  // drop gives what one held to the next one.
  drop(one) {
    const waiting = this.locks.get(one.name), at = waiting.indexOf(one);
    if (at >= 0) waiting.splice(at, 1);
    if (at === 0 && waiting.length) this.grant(waiting[0]);
  }

  // free drops all of a tab that is closed.
  free(tab) {
    for (const waiting of this.locks.values()) for (const one of waiting.filter((one) => one.tab === tab).reverse()) this.drop(one);
  }
}

export class Tab {
  heard = []; // the states that its page was told
  went = []; // where it was sent
  forms = [];
  reported = [];
  listeners = {};
  kept = new Map();

  constructor(browser, { moduleURL = "https://app.example.com/auth/client.js", at = "https://app.example.com/orders?page=2#top", locks = (...asked) => browser.request(...asked), storage = true, channels = true }) {
    const tab = this, { clock, gateway } = (this.browser = browser);
    const on = (kind, listener) => (this.listeners[kind] ??= new Set()).add(listener);
    this.document = {
      hidden: false,
      addEventListener: on,
      createElement: (kind) => ({ kind, children: [], append(child) { this.children.push(child); }, submit() { tab.forms.push(this); } }),
      body: { append() {} },
    };
    this.here = {
      moduleURL,
      fetch: (input, init) => gateway.fetch(input, init),
      location: Object.assign(new URL(at), { assign: (address) => this.went.push(address) }),
      document: this.document,
      sessionStorage: storage && { getItem: (k) => this.kept.get(k) ?? null, setItem: (k, v) => this.kept.set(k, v) },
      navigator: locks ? { locks: { request: (name, options, callback) => locks(name, options, callback, this) } } : {},
      addEventListener: on,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      reportError: (error) => this.reported.push(error),
      Math: Object.assign(Object.create(Math), { random: () => 0, min: Math.min, max: Math.max }),
      Date: class extends Date {
        static now() {
          return clock.now;
        }
      },
      AbortSignal: {
        timeout: (wait) => {
          const end = new AbortController();
          clock.setTimeout(() => end.abort(new DOMException("it took too long", "TimeoutError")), wait);
          return end.signal;
        },
      },
      BroadcastChannel: class {
        constructor(name) {
          if (!channels) throw new DOMException("it may have none", "SecurityError");
          this.name = name;
          browser.channels.add(this);
        }
        postMessage(data) {
          if (this.closed) throw new Error("the channel is closed");
          for (const other of browser.channels) {
            if (other !== this && other.name === this.name) queueMicrotask(() => other.onmessage?.({ data }));
          }
        }
        close() {
          this.closed = true;
          browser.channels.delete(this);
        }
      },
      EventSource: class {
        readyState = 0;
        constructor(url, init) {
          Object.assign(this, { url, init, tab, listeners: {} });
          gateway.streams.push(this);
        }
        addEventListener(kind, listener) {
          this.listeners[kind] = listener;
        }
        open() {
          this.readyState = 1;
          this.onopen();
        }
        tell(reason) {
          this.listeners.session({ data: JSON.stringify({ version: 4, reason }) });
        }
        fail(readyState) {
          this.readyState = readyState;
          this.onerror();
        }
        close() {
          this.readyState = 2;
        }
      },
    };
    this.client = run(this.here);
  }

  // watch has the page follow the state.
  async watch() {
    this.leave = this.client.subscribe((state) => this.heard.push(state));
    await settled();
    return this;
  }

  async fire(kind, event = {}) {
    this.still = false;
    if (kind === "freeze") queueMicrotask(() => (this.still = true));
    for (const listener of this.listeners[kind] ?? []) listener(event);
    await settled();
  }

  get status() {
    return this.client.getState().status;
  }

  get statuses() {
    return this.heard.map((state) => state.status).join(" ");
  }

  close() {
    for (const channel of this.browser.channels) if (channel.constructor === this.here.BroadcastChannel) this.browser.channels.delete(channel);
    this.browser.free(this);
  }
}
