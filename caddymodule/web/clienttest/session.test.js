import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser, ada, settled } from "./world.js";

test("getSession", async (t) => {
  await t.test("resolves to the session, with dates that are dates", async () => {
    const { client } = new Browser().tab();
    const session = await client.getSession();
    assert.equal(session.email, "ada@example.com");
    assert.ok(session.createdAt instanceof Date);
    assert.equal(session.createdAt.toISOString(), "2026-01-05T09:00:00.000Z");
    assert.ok(!("updatedAt" in session));
    assert.deepEqual(client.getState(), { status: "authenticated", session });
  });
  await t.test("resolves to null when nobody is signed in", async () => {
    const browser = new Browser(), { client } = browser.tab();
    browser.gateway.signedIn = null;
    assert.equal(await client.getSession(), null);
    assert.deepEqual(client.getState(), { status: "anonymous", session: null });
  });
  for (const [what, trouble, error] of [
    ["the gateway cannot tell", 500, { status: 500, code: "unavailable", message: "Cannot tell." }],
    ["another gateway is away", 503, { status: 503 }],
    ["too many ask", 429, { status: 429 }],
    ["the network is gone", "network", { name: "TypeError" }],
  ]) {
    await t.test(`rejects when ${what}, and keeps the last session as stale`, async () => {
      const browser = new Browser(), { client } = browser.tab();
      browser.gateway.trouble = trouble;
      await assert.rejects(client.getSession(), error);
      assert.deepEqual(client.getState(), { status: "stale", session: null });
      browser.gateway.trouble = null;
      const session = await client.getSession();
      browser.gateway.trouble = trouble;
      await assert.rejects(client.getSession(), error);
      assert.deepEqual(client.getState(), { status: "stale", session });
      assert.ok(client.hasRole("admin"));
    });
  }
  for (const [what, answer] of [
    ["a page", () => new Response("<!doctype html>", { status: 200 })],
    ["a page for an error", () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
    ["an object without anything", () => Response.json({})],
    ["a list", () => Response.json([])],
    ["a text", () => Response.json("portal")],
    ["nothing, as JSON", () => Response.json(null)],
    ["what another service says", () => Response.json({ login: "required" })],
    ["somebody whose number is a text", () => Response.json({ ...ada, id: "1" })],
    ["nothing at all", () => new Response(null, { status: 204 })],
    ["that nothing has changed", () => new Response(null, { status: 304 })],
  ]) {
    await t.test(`rejects when ${what} is answered`, async () => {
      const browser = new Browser(), { client } = browser.tab();
      browser.gateway.answer = answer;
      await assert.rejects(client.getSession());
      assert.equal(client.getState().status, "stale");
    });
  }
  await t.test("rejects when no answer comes, and asks anew after that", async () => {
    const browser = new Browser(), tab = await browser.tab({ locks: false }).watch();
    browser.gateway.hold();
    const asked = assert.rejects(tab.client.getSession(), { name: "TimeoutError" });
    await browser.clock.forward(9e3);
    assert.equal(tab.status, "authenticated");
    await browser.clock.forward(1e3);
    await asked;
    assert.equal(tab.statuses, "loading authenticated stale");
    browser.gateway.held = null;
    assert.equal((await tab.client.getSession()).email, ada.email);
    assert.equal(tab.status, "authenticated");
  });
  await t.test("says so although the tab is looked at all the time", async () => {
    const browser = new Browser(), tab = await browser.tab({ locks: false }).watch();
    browser.gateway.hold();
    for (let i = 0; i < 3; i++) {
      await browser.clock.forward(5e3);
      await tab.fire("focus");
    }
    assert.equal(tab.status, "stale");
  });
  await t.test("shares one request among those who ask at once", async () => {
    const browser = new Browser(), { client } = browser.tab();
    const all = await Promise.all([client.getSession(), client.getSession(), client.getSession()]);
    assert.equal(browser.gateway.reads.length, 1);
    assert.equal(new Set(all).size, 1);
  });
  await t.test("names the answer it has, and keeps the state that is still true", async () => {
    const browser = new Browser(), { client } = browser.tab();
    const first = await client.getSession(), state = client.getState();
    assert.equal(await client.getSession(), first);
    assert.equal(client.getState(), state);
    const named = browser.gateway.reads.map(({ request }) => request.headers.get("If-None-Match"));
    assert.equal(named[0], null);
    assert.match(named[1], /^"/);
  });
  await t.test("sends the cookie", async () => {
    const browser = new Browser(), { client } = browser.tab();
    await client.getSession();
    assert.equal(browser.gateway.asked[0].init.credentials, "include");
  });
  await t.test("names no answer once it has none", async () => {
    const browser = new Browser(), { client } = browser.tab();
    await client.getSession();
    browser.gateway.signedIn = null;
    await client.getSession();
    browser.gateway.signedIn = ada;
    assert.equal((await client.getSession()).email, ada.email);
    assert.equal(browser.gateway.reads.at(-1).request.headers.get("If-None-Match"), null);
  });
});

test("where the gateway is", async (t) => {
  for (const [what, moduleURL, base, path] of [
    ["is where the file is from", "https://app.example.com/auth/client.js", undefined, "/auth/session"],
    ["is so below another base_path", "https://app.example.com/-/gate/client.js", undefined, "/-/gate/session"],
    ["can be said", "https://app.example.com/bundle.js", "/auth", "/auth/session"],
    ["can be said with a slash", "https://app.example.com/bundle.js", "/auth/", "/auth/session"],
    ["can be another origin", "https://app.example.com/bundle.js", "https://gate.example.com/auth", "/auth/session"],
  ]) {
    await t.test(what, async () => {
      const browser = new Browser(), { client } = browser.tab({ moduleURL });
      const of = base ? client.createClient({ base }) : client;
      browser.gateway.answer = (request) => browser.gateway.session(request, "acme");
      await of.getSession();
      assert.equal(browser.gateway.asked[0].path, path);
      if (base?.startsWith("https:")) assert.equal(new URL(browser.gateway.asked[0].request.url).host, "gate.example.com");
    });
  }
});

test("subscribe", async (t) => {
  await t.test("tells what is known now and what becomes of it", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    assert.equal(tab.statuses, "loading authenticated");
    await tab.client.logout();
    assert.equal(tab.statuses, "loading authenticated anonymous");
    tab.leave();
    browser.gateway.signedIn = ada;
    await tab.client.getSession();
    assert.equal(tab.statuses, "loading authenticated anonymous");
  });
  await t.test("tells nothing when nothing has changed", async () => {
    const tab = await new Browser().tab().watch();
    await tab.client.getSession();
    assert.equal(tab.heard.length, 2);
  });
  await t.test("tells the others when one listener fails", async () => {
    const browser = new Browser(), tab = browser.tab();
    tab.client.subscribe(() => {
      throw new Error("a fault of the page");
    });
    await tab.watch();
    assert.equal(tab.statuses, "loading authenticated");
    assert.equal(tab.reported.length, 2);
  });
  await t.test("asks nobody before it is called", async () => {
    const browser = new Browser();
    browser.tab();
    await settled();
    assert.equal(browser.gateway.asked.length, 0);
    assert.equal(browser.channels.size, 0);
  });
});

test("the focus", async (t) => {
  const focused = async (kind, change = () => {}, event = { persisted: true }) => {
    const browser = new Browser(), tab = await browser.tab({ locks: false }).watch();
    await change(browser, tab);
    const before = browser.gateway.reads.length;
    await tab.fire(kind, event);
    return browser.gateway.reads.length - before;
  };
  for (const [what, kind, change, asks, event] of [
    ["asks anew", "focus", (b) => b.clock.forward(5000), 1],
    ["asks also when the clock was set back", "focus", (b) => (b.clock.now -= 24 * 3600e3), 1],
    ["asks at most every five seconds", "focus", (b) => b.clock.forward(4999), 0],
    ["asks when the tab is shown", "visibilitychange", (b) => b.clock.forward(5000), 1],
    ["asks not when the tab is hidden", "visibilitychange", async (b, tab) => {
      await b.clock.forward(5000);
      tab.document.hidden = true;
    }, 0],
    ["asks at once when the network is back", "online", undefined, 1],
    ["asks at once when the network is gone, to say so", "offline", undefined, 1],
    ["asks at once when Back has brought the page", "pageshow", undefined, 1],
    ["asks once when the page is loaded", "pageshow", undefined, 0, { persisted: false }],
  ]) {
    await t.test(what, async () => assert.equal(await focused(kind, change, event), asks));
  }
});

test("time", async (t) => {
  const ending = async (wait) => {
    const browser = new Browser();
    browser.gateway.ends = browser.clock.now + wait;
    return { browser, tab: await browser.tab({ locks: false }).watch() };
  };
  await t.test("the end of the session is seen when it has come", async () => {
    const { browser, tab } = await ending(60e3);
    browser.gateway.signedIn = null;
    await browser.clock.forward(60e3);
    assert.equal(tab.status, "authenticated");
    await browser.clock.forward(1e3);
    assert.equal(tab.statuses, "loading authenticated anonymous");
  });
  await t.test("a session that was used meanwhile goes on", async () => {
    const { browser, tab } = await ending(60e3);
    browser.gateway.ends += 60e3;
    await browser.clock.forward(61e3);
    assert.equal(tab.statuses, "loading authenticated");
    browser.gateway.signedIn = null;
    await browser.clock.forward(60e3);
    assert.equal(tab.status, "anonymous");
  });
  await t.test("the clock of the person may be wrong", async () => {
    const browser = new Browser(), tab = browser.tab({ locks: false });
    browser.gateway.ends = browser.clock.now + 60e3;
    tab.here.Date.now = () => 0;
    await tab.watch();
    browser.gateway.signedIn = null;
    await browser.clock.forward(61e3);
    assert.equal(tab.status, "anonymous");
  });
  await t.test("an end in a hundred years does not ring at once", async () => {
    const { browser } = await ending(3e12);
    await browser.clock.forward(3600e3);
    assert.equal(browser.gateway.reads.length, 1);
  });
  await t.test("an end that is past rings less and less often", async () => {
    const { browser } = await ending(-10e3);
    await browser.clock.forward(60e3);
    assert.equal(browser.gateway.reads.length, 4); // after 5, 15, 35 s
  });
  for (const missing of ["X-Session-Expires-At", "X-Session-Idle-Expires-At"]) {
    await t.test(`the end of the session is seen without ${missing}`, async () => {
      const browser = new Browser(), { gateway } = browser, answer = gateway.answer;
      gateway.ends = browser.clock.now + 60e3;
      gateway.answer = (...asked) => {
        const { status, headers, body } = answer.apply(gateway, asked);
        headers.delete(missing);
        return new Response(body, { status, headers });
      };
      const tab = await browser.tab({ locks: false }).watch();
      await browser.clock.forward(59e3);
      gateway.signedIn = null;
      await browser.clock.forward(3602e3);
      assert.equal(tab.statuses, "loading authenticated anonymous");
      assert.equal(gateway.reads.length, 2);
    });
  }
  await t.test("trouble is looked at again, less and less often", async () => {
    const browser = new Browser();
    const tab = await browser.tab({ locks: false }).watch();
    browser.gateway.trouble = "network";
    await tab.fire("online");
    assert.equal(tab.status, "stale");
    const before = browser.gateway.reads.length;
    await browser.clock.forward(300e3);
    assert.equal(browser.gateway.reads.length - before, 7); // after 5, 15, 35, 75 s, and then each minute
    browser.gateway.trouble = null;
    await browser.clock.forward(60e3);
    assert.equal(tab.statuses, "loading authenticated stale authenticated");
    browser.gateway.trouble = "network";
    await tab.fire("online");
    browser.gateway.trouble = null;
    await browser.clock.forward(5e3);
    assert.equal(tab.status, "authenticated");
  });
  await t.test("nothing is asked for nobody, nor of a gateway that tells of no end", async () => {
    const browser = new Browser(), tab = await browser.tab({ locks: false }).watch();
    await browser.clock.forward(3600e3);
    await tab.client.logout();
    const before = browser.gateway.asked.length;
    await browser.clock.forward(3600e3);
    assert.equal(browser.gateway.asked.length - before, 0);
    assert.equal(before, 2);
  });
});

test("who follows no more", async (t) => {
  await t.test("asks no more, and leaves the stream to another tab", async () => {
    const browser = new Browser(), { gateway, clock } = browser;
    gateway.ends = clock.now + 60e3;
    const tab = await browser.tab().watch(), other = await browser.tab().watch();
    const third = new tab.here.BroadcastChannel("sidegate https://app.example.com/auth");
    for (let i = 0; i < 3; i++) third.postMessage("read");
    third.close();
    await settled();
    tab.leave();
    await clock.forward(1);
    assert.deepEqual(gateway.streams.map((s) => [s.tab, s.readyState]), [[tab, 2], [other, 0]]);
    assert.equal(browser.channels.size, 1);
    other.leave();
    await clock.forward(1);
    const before = gateway.asked.length;
    await clock.forward(3600e3);
    for (const kind of ["focus", "visibilitychange", "online", "offline", "pageshow", "resume"]) await tab.fire(kind, { persisted: true });
    assert.equal(gateway.asked.length, before);
    assert.equal(browser.channels.size, 0);
    assert.ok(gateway.streams.every((s) => s.readyState === 2));
  });
  await t.test("does again when there is a listener again", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    tab.leave();
    await browser.clock.forward(10e3);
    browser.gateway.signedIn = null;
    await tab.watch();
    assert.equal(tab.status, "anonymous");
    browser.gateway.signedIn = ada;
    await tab.fire("online");
    assert.equal(tab.status, "authenticated");
    assert.equal(browser.gateway.streams.at(-1).readyState, 0);
  });
  await t.test("is not who goes from one listener to the next", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    tab.leave();
    await tab.watch();
    await browser.clock.forward(1);
    assert.equal(browser.gateway.reads.length, 1);
    assert.deepEqual(browser.gateway.streams.map((s) => s.readyState), [0]);
  });
  await t.test("is also who never did, and could not be told", async () => {
    const browser = new Browser(), { client } = browser.tab();
    browser.gateway.trouble = 503;
    await assert.rejects(client.getSession());
    await browser.clock.forward(3600e3);
    assert.equal(browser.gateway.asked.length, 1);
  });
});
