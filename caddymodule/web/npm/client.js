// Sidegate's client: who is signed in, the same in every tab. client.d.ts says what is for whom.
const never = new Promise(() => {});

// open reads a session, null, or that it cannot be told.
const open = async (answer, none = 401) => {
  const { ok, status } = answer;
  if (status === 401 || status === none) return null;
  const body = await answer.json().catch(() => {});
  if (!ok || typeof body?.id !== "number") throw Object.assign(new Error(body?.message || `status ${status}`), { status, code: body?.error });
  for (const at of ["createdAt", "updatedAt"]) if (body[at]) body[at] = new Date(body[at]);
  return body;
};

// timeLeft is by the gateway's clock.
const timeLeft = ({ headers }) => {
  const at = (header, or = Infinity) => Date.parse(headers.get(header)) || or;
  return Math.min(at("X-Session-Expires-At"), at("X-Session-Idle-Expires-At")) - at("Date", Date.now());
};

export const createClient = ({ base = new URL(".", import.meta.url).href, events = true } = {}) => {
  base = base.replace(/\/+$/, "");
  const listeners = new Set();
  let state = Object.freeze({ status: "loading", session: null });
  let choice, etag, reading, timer, channel, leads, stream, stop;
  let asked = 0, changes = 0, failures = 0, heeded = 0;

  const at = (address) => new URL(address, location.href);
  const key = () => `sidegate ${at(base)}`;

  // The person and the account that they chose for the tab; for the page, where nothing may be kept.
  const choose = (...to) => {
    choice = to;
    try {
      sessionStorage.setItem(key(), JSON.stringify(to));
    } catch {}
  };
  const chosen = () => {
    try {
      choice ??= JSON.parse(sessionStorage.getItem(key()));
    } catch {}
    return choice?.[1];
  };

  const ask = (path, { headers, ...init }, as = chosen()) =>
    fetch(base + path, {
      credentials: "include",
      signal: AbortSignal.timeout?.(path === "/session" ? 1e4 : 6e4),
      ...init,
      headers: { ...(as && { "X-Account-Id": encodeURIComponent(as) }), ...headers },
    });

  // A page may have no channel.
  const tell = (news) => {
    try {
      const to = channel || new BroadcastChannel(key());
      to.postMessage(news);
      if (!channel) to.close();
    } catch {}
  };

  // plan asks again when the time has come, and without one less and less often.
  const plan = (left) => {
    if (left > 0) failures = 0;
    const wait = left > 0 ? left + 1e3 : Math.min(5e3 * 2 ** failures++, 6e4) * (1 + Math.random());
    clearTimeout(timer);
    if (stop && wait < Infinity) timer = setTimeout(again, Math.min(wait, 2 ** 31 - 1));
  };

  const inform = (listener) => {
    try {
      listener(state);
    } catch (error) {
      reportError(error);
    }
  };

  const become = (status, session) => {
    const was = state.status;
    if (status !== was || session !== state.session) {
      state = Object.freeze({ status, session });
      if (status !== was && status !== "stale") tell(status);
      [...listeners].forEach(inform);
    }
    follow();
  };

  const settle = (answer, session) => {
    if (chosen() && session?.id !== choice[0]) {
      // It was somebody else's.
      choose();
      if (session) return read();
    }
    etag = session && answer.headers.get("ETag");
    plan(session ? timeLeft(answer) : Infinity);
    become(session ? "authenticated" : "anonymous", session);
    return session;
  };

  // read is one question for all who ask meanwhile. One from before a change is asked anew.
  const read = () =>
    (reading ||= (async () => {
      for (let refused; ; ) {
        let before = changes, answer, session, trouble;
        asked = Date.now();
        try {
          answer = await ask("/session", { headers: etag && { "If-None-Match": etag } }, !refused && chosen());
          session = etag && answer.status === 304 ? state.session : await open(answer);
        } catch (error) {
          trouble = error;
        }
        if (before !== changes) {
          refused = 0;
          if (trouble && state.session) become("stale", state.session);
          continue;
        }
        // Is it theirs no longer? Asked without it, the gateway tells.
        if (trouble?.code === "forbidden" && chosen() && !refused) {
          refused = trouble;
          continue;
        }
        if (refused && session) session.accounts?.some((one) => one.accountId === choice[1]) ? (trouble = refused) : choose();
        reading = 0;
        if (!trouble) return settle(answer, session);
        plan(0);
        become("stale", state.session);
        throw trouble;
      }
    })());

  const peek = () => read().catch(() => {});
  const again = () => (changes++, peek());

  // heed asks for what others say: at once, and not without pause. Within a second all know.
  const heed = () => {
    if (heeded++) return;
    again();
    setTimeout(() => {
      const more = stop && heeded > 1;
      heeded = 0;
      if (more) heed();
    }, 750);
  };

  const change = async (path, init, done, none) => {
    try {
      const answer = await ask(path, init), session = await open(answer, none);
      changes++;
      done(session);
      return settle(answer, session);
    } catch (error) {
      again();
      throw error;
    }
  };
  const toAll = () => tell("read");
  const forAll = () => (choose(), toAll());

  // follow has the tab that leads hear events, for all.
  const follow = () => {
    if (!leads || !state.session) return (stream = stream?.close());
    if (stream) return;
    const source = (stream = new EventSource(base + "/events", { withCredentials: true }));
    source.onopen = () => (toAll(), again());
    source.addEventListener("session", source.onopen);
    source.onerror = () => {
      if (source.readyState < 2) return state.status === "stale" || peek();
      again();
      setTimeout(() => source === stream && ((stream = null), follow()), 3e4 * (1 + Math.random()));
    };
  };

  const start = () => {
    const end = new AbortController(), { signal } = end;
    stop = () => {
      end.abort();
      stop = leads = channel = channel?.close();
      clearTimeout(timer);
      follow();
    };
    try {
      channel = new BroadcastChannel(key());
      channel.onmessage = ({ data }) => (data === "read" || data !== state.status) && heed();
    } catch {}
    // Each is added once: who is stopped can be woken.
    addEventListener("focus", look);
    addEventListener("online", wake);
    addEventListener("offline", wake);
    addEventListener("pageshow", wake);
    document.addEventListener("visibilitychange", look);
    document.addEventListener("resume", wake);
    document.addEventListener("freeze", sleep);
    const lead = () =>
      signal.aborted ||
      new Promise((done) => {
        signal.onabort = done;
        leads = true;
        follow();
      });
    if (events) navigator.locks?.request(key(), { signal }, lead).catch(() => {});
    peek();
  };
  const sleep = () => stop?.();
  const wake = ({ persisted }) => persisted !== false && listeners.size && (stop ? again() : start());
  // A clock that was set back is no reason to wait.
  const look = () => document.hidden || Math.abs(Date.now() - asked) < 5e3 || wake({});

  const has = (list) => (...any) => any.some((one) => state.session?.[list]?.includes(one));

  return {
    getState: () => state,
    getSession: () => read(),
    subscribe(listener) {
      listeners.add(listener);
      if (!stop) start();
      inform(listener);
      // Who comes next may be about to.
      return () => {
        listeners.delete(listener);
        setTimeout(() => listeners.size || sleep());
      };
    },
    login({ provider, returnTo } = {}) {
      returnTo ??= at(base).origin === location.origin ? location.href.slice(location.origin.length) : location.href;
      location.assign(`${base}/login${provider ? "/" + encodeURIComponent(provider) : ""}?return_to=${encodeURIComponent(returnTo)}`);
      return never;
    },
    logout({ returnTo } = {}) {
      if (!returnTo) return change("/logout", { method: "POST" }, forAll, 204);
      choose();
      const form = document.createElement("form"), field = document.createElement("input");
      Object.assign(form, { method: "post", action: base + "/logout" }).append(field);
      Object.assign(field, { type: "hidden", name: "return_to", value: returnTo });
      document.body.append(form);
      form.submit();
      return never;
    },
    refresh: () => change("/refresh", { method: "POST" }, toAll),
    switchAccount(id, { everywhere } = {}) {
      const headers = { "X-Account-Id": encodeURIComponent(id) };
      if (!everywhere) return change("/session", { headers }, (session) => session && choose(session.id, id));
      headers["Content-Type"] = "application/json";
      return change("/session/primary-account", { method: "PUT", headers, body: JSON.stringify({ accountId: id }) }, forAll);
    },
    hasRole: has("flatRolesList"),
    hasPermission: has("flatPermissionsList"),
    async authFetch(input, init) {
      const url = at(input.url || input), away = url.origin !== location.origin;
      if (away && url.origin !== at(base).origin) return fetch(input, init);
      // Whose choice is it?
      if (!state.session && chosen()) await peek();
      const request = new Request(input.url ? input : url, away && !input.url ? { credentials: "include", ...init } : init);
      if (chosen() && !request.headers.has("X-Account-Id")) request.headers.set("X-Account-Id", encodeURIComponent(chosen()));
      const began = Date.now(), answer = await fetch(request);
      // One question is for all requests that it came after.
      if (answer.status === 401 && state.status !== "anonymous") await (asked < began ? again() : peek());
      return answer;
    },
  };
};

// That of the gateway that this file is from.
export const { getState, getSession, subscribe, login, logout, refresh, switchAccount, hasRole, hasPermission, authFetch } =
  createClient();
