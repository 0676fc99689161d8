// Sidegate's client: who is signed in, the same in every tab. client.d.ts says what is for whom.
const never = new Promise(() => {});

const revived = (session) => {
  for (const at of ["createdAt", "updatedAt"]) if (session[at]) session[at] = new Date(session[at]);
  return session;
};

// open reads a session, null, or that it cannot be told.
const open = async (answer) => {
  if (answer.status === 401 || answer.status === 204) return null;
  const body = await answer.json().catch((error) => (answer.ok ? Promise.reject(error) : {}));
  if (answer.ok) return revived(body);
  throw Object.assign(new Error(body.message || `status ${answer.status}`), { status: answer.status, code: body.error });
};

// timeLeft is by the gateway's clock.
const timeLeft = ({ headers }) => {
  const at = (header) => Date.parse(headers.get(header));
  return Math.min(at("X-Session-Expires-At"), at("X-Session-Idle-Expires-At")) - (at("Date") || Date.now());
};

export const createClient = ({ base = new URL(".", import.meta.url).href, events = true } = {}) => {
  base = base.replace(/\/+$/, "");
  const listeners = new Set();
  let state = Object.freeze({ status: "loading", session: null });
  let account, etag, reading, timer, channel, leads, stream;
  let asked = 0, changes = 0, failures = 0;

  const home = () => new URL(base, location.href);
  const key = () => `sidegate ${home()}`;

  // The account of the tab; of the page, where nothing may be kept.
  const choose = (id) => {
    account = id;
    try {
      sessionStorage.setItem(key(), id);
    } catch {}
  };
  const chosen = () => {
    try {
      account ??= sessionStorage.getItem(key());
    } catch {}
    return account;
  };

  const ask = (path, { headers, ...init }) =>
    fetch(base + path, { credentials: "include", ...init, headers: { ...(chosen() && { "X-Account-Id": account }), ...headers } });

  const tell = (news) => {
    const to = channel || new BroadcastChannel(key());
    to.postMessage(news);
    if (!channel) to.close();
  };

  const plan = (wait) => {
    clearTimeout(timer);
    if (wait) timer = setTimeout(again, Math.min(Math.max(wait, 1e3), 2 ** 31 - 1));
  };

  const inform = (listener) => {
    try {
      listener(state);
    } catch (error) {
      reportError(error);
    }
  };

  const become = (status, session) => {
    const was = state;
    if (status !== was.status || session !== was.session) {
      state = Object.freeze({ status, session });
      if (status !== was.status && status !== "stale") tell(status);
      for (const listener of [...listeners]) inform(listener);
    }
    follow();
  };

  const settle = (answer, session) => {
    failures = 0;
    etag = session && answer.headers.get("ETag");
    plan(session ? timeLeft(answer) + 1e3 : NaN);
    become(session ? "authenticated" : "anonymous", session);
    return session;
  };

  // read is one question for all who ask meanwhile. One from before a change is asked anew.
  const read = () =>
    (reading ||= (async () => {
      for (;;) {
        const before = changes;
        let answer, session, trouble;
        asked = Date.now();
        try {
          answer = await ask("/session", { headers: etag && { "If-None-Match": etag } });
          session = answer.status === 304 ? state.session : await open(answer);
        } catch (error) {
          trouble = error;
        }
        if (before !== changes) continue;
        if (trouble?.status === 403 && account) {
          choose(""); // it is theirs no longer
          continue;
        }
        reading = 0;
        if (!trouble) return settle(answer, session);
        plan(Math.min(5e3 * 2 ** failures++, 6e4) * (1 + Math.random()));
        become("stale", state.session);
        throw trouble;
      }
    })());

  const peek = () => read().catch(() => {});
  const again = () => (changes++, peek());

  const change = async (path, init, done) => {
    try {
      const answer = await ask(path, init), session = await open(answer);
      changes++;
      done(session);
      return settle(answer, session);
    } catch (error) {
      again();
      throw error;
    }
  };
  const toAll = () => tell("read");
  const forAll = () => (choose(""), toAll());

  // follow has the tab that leads hear events, for all.
  const follow = () => {
    if (leads && state.session && !stream) {
      const source = (stream = new EventSource(base + "/events", { withCredentials: true }));
      const heard = () => (toAll(), again());
      source.onopen = heard;
      source.addEventListener("session", heard);
      source.onerror = () => {
        if (source.readyState < 2) return; // it comes back
        again();
        setTimeout(() => source === stream && ((stream = 0), follow()), 3e4 * (1 + Math.random()));
      };
    } else if (stream && !state.session) {
      stream.close();
      stream = 0;
    }
  };

  const start = () => {
    const look = () => document.visibilityState !== "hidden" && Date.now() - asked >= 5e3 && again();
    channel = new BroadcastChannel(key());
    channel.onmessage = ({ data }) => (data === "read" || data !== state.status) && again();
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    addEventListener("online", again);
    addEventListener("offline", again);
    addEventListener("pageshow", (event) => event.persisted && again());
    const lead = () => {
      leads = true;
      follow();
      return never; // while the page is there
    };
    if (events) navigator.locks?.request(key(), lead).catch(() => {});
    peek();
  };

  const has = (list) => (...any) => any.some((one) => state.session?.[list]?.includes(one));

  return {
    getState: () => state,
    getSession: () => read(),
    subscribe(listener) {
      listeners.add(listener);
      if (!channel) start();
      inform(listener);
      return () => listeners.delete(listener);
    },
    login({ provider, returnTo } = {}) {
      const { href, origin } = location;
      returnTo ??= home().origin === origin ? href.slice(origin.length) : href;
      location.assign(`${base}/login${provider ? "/" + encodeURIComponent(provider) : ""}?return_to=${encodeURIComponent(returnTo)}`);
      return never;
    },
    logout({ returnTo } = {}) {
      if (!returnTo) return change("/logout", { method: "POST" }, forAll);
      choose("");
      const form = document.createElement("form"), field = document.createElement("input");
      Object.assign(form, { method: "post", action: base + "/logout" }).append(field);
      Object.assign(field, { type: "hidden", name: "return_to", value: returnTo });
      document.body.append(form);
      form.submit();
      return never;
    },
    refresh: () => change("/refresh", { method: "POST" }, toAll),
    switchAccount(id, { everywhere } = {}) {
      const headers = { "X-Account-Id": id };
      if (!everywhere) return change("/session", { headers }, (session) => session && choose(id));
      headers["Content-Type"] = "application/json";
      return change("/session/primary-account", { method: "PUT", headers, body: JSON.stringify({ accountId: id }) }, forAll);
    },
    hasRole: has("flatRolesList"),
    hasPermission: has("flatPermissionsList"),
    async authFetch(input, init) {
      const url = new URL(input.url || input, location.href), began = Date.now();
      if (url.origin !== location.origin && url.origin !== home().origin) return fetch(input, init);
      const request = input.url ? new Request(input, init) : new Request(url, { credentials: "include", ...init });
      if (chosen() && !request.headers.has("X-Account-Id")) request.headers.set("X-Account-Id", account);
      const answer = await fetch(request);
      // One question is for all requests that it came after.
      if (answer.status === 401 && state.status !== "anonymous") await (asked < began ? again() : peek());
      return answer;
    },
  };
};

// That of the gateway that this file is from.
export const { getState, getSession, subscribe, login, logout, refresh, switchAccount, hasRole, hasPermission, authFetch } =
  createClient();
