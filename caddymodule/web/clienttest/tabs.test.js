import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser, ada, settled } from "./world.js";

const tabs = async (n, options) => {
  const browser = new Browser();
  const all = [];
  for (let i = 0; i < n; i++) all.push(await browser.tab(options).watch());
  return { browser, gateway: browser.gateway, all };
};
const everyone = (all) => all.map((tab) => tab.status).join(" ");

test("tabs", async (t) => {
  await t.test("one of which signs out are signed out", async () => {
    const { all } = await tabs(3);
    await all[1].client.logout();
    await settled();
    assert.equal(everyone(all), "anonymous anonymous anonymous");
  });
  await t.test("one of which finds nobody signed in look, too", async () => {
    const { gateway, all } = await tabs(3);
    gateway.signedIn = null;
    await all[2].client.getSession();
    await settled();
    assert.equal(everyone(all), "anonymous anonymous anonymous");
  });
  await t.test("one of which comes back from signing in are signed in", async () => {
    const { browser, gateway, all } = await tabs(2);
    await all[0].client.logout();
    await settled();
    gateway.signedIn = ada;
    all.push(await browser.tab().watch());
    await browser.clock.forward(1e3);
    assert.equal(everyone(all), "authenticated authenticated authenticated");
  });
  await t.test("one of which opens ask nobody for it", async () => {
    const { gateway } = await tabs(5);
    assert.equal(gateway.reads.length, 5);
  });
  await t.test("do not answer one another for ever", async () => {
    const { gateway, all } = await tabs(4);
    const before = gateway.reads.length;
    gateway.signedIn = null;
    await all[0].client.getSession();
    await settled();
    await settled();
    assert.ok(gateway.reads.length - before <= 8, `${gateway.reads.length - before} questions`);
  });
  await t.test("a page that follows nothing tells the others what it does", async () => {
    const { browser, all } = await tabs(2);
    const page = browser.tab();
    await page.client.logout();
    await settled();
    assert.equal(everyone(all), "anonymous anonymous");
    assert.equal(browser.channels.size, all.length); // it keeps nothing open
  });
  await t.test("one of which cannot tell do not ask for it", async () => {
    const { gateway, all } = await tabs(2);
    gateway.trouble = 503;
    await assert.rejects(all[0].client.getSession());
    await settled();
    assert.equal(everyone(all), "stale authenticated");
  });
  await t.test("of which one says much are not kept busy by it, and miss nothing", async () => {
    const { browser, gateway, all } = await tabs(2, { locks: false });
    const before = gateway.reads.length, other = new all[0].here.BroadcastChannel("sidegate https://app.example.com/auth");
    for (let i = 0; i < 100; i++) {
      other.postMessage("read");
      await browser.clock.forward(30);
    }
    const asked = gateway.reads.length - before;
    assert.ok(asked >= 2 * 3 && asked <= 2 * 5, `${asked} questions of two tabs in three seconds`);
    gateway.signedIn = null;
    other.postMessage("read");
    await browser.clock.forward(1e3);
    assert.equal(everyone(all), "anonymous anonymous");
  });
  await t.test("that may not talk to one another do all the same", async () => {
    const { gateway, all } = await tabs(2, { channels: false, locks: false });
    assert.equal(everyone(all), "authenticated authenticated");
    assert.equal(await all[0].client.logout(), null);
    assert.equal(all[0].status, "anonymous");
    gateway.signedIn = ada;
    await all[1].fire("online");
    assert.equal(all[1].status, "authenticated");
  });
  await t.test("of two gateways of one site leave each other alone", async () => {
    const { browser, gateway, all } = await tabs(1);
    const other = browser.tab({ moduleURL: "https://app.example.com/-/gate/client.js" });
    gateway.answer = () => new Response(null, { status: 401 });
    await other.client.getSession();
    await settled();
    assert.equal(everyone(all), "authenticated");
  });
});

test("the stream of events", async (t) => {
  await t.test("is held by one tab, and then by the next one", async () => {
    const { gateway, all } = await tabs(3);
    assert.deepEqual(gateway.streams.map((s) => s.tab), [all[0]]);
    assert.equal(gateway.streams[0].url, "https://app.example.com/auth/events");
    assert.deepEqual(gateway.streams[0].init, { withCredentials: true });
    all[0].close();
    await settled();
    assert.deepEqual(gateway.streams.map((s) => s.tab), [all[0], all[1]]);
  });
  await t.test("has all tabs look when it is opened, and when something happens", async () => {
    const { browser, gateway, all } = await tabs(3);
    const looks = async (happens) => {
      const before = gateway.reads.length;
      happens();
      await browser.clock.forward(1e3);
      return gateway.reads.length - before;
    };
    assert.equal(await looks(() => gateway.streams[0].open()), 3);
    gateway.signedIn = { ...ada, flatRolesList: [] };
    assert.equal(await looks(() => gateway.streams[0].tell("permissions")), 3);
    assert.deepEqual(all.map((tab) => tab.client.hasRole("admin")), [false, false, false]);
    gateway.signedIn = null;
    gateway.streams[0].tell("signed_out");
    await browser.clock.forward(1e3);
    assert.equal(everyone(all), "anonymous anonymous anonymous");
    assert.equal(gateway.streams[0].readyState, 2);
  });
  for (const [what, comes, event] of [["goes on", "resume"], ["is looked at", "focus"], ["is brought by Back", "pageshow", { persisted: true }]]) {
    await t.test(`is another tab's while the browser holds this one still, until it ${what}`, async () => {
      const { browser, gateway, all } = await tabs(2);
      await all[0].fire("freeze");
      assert.deepEqual(gateway.streams.map((s) => [s.tab, s.readyState]), [[all[0], 2], [all[1], 0]]);
      await browser.clock.forward(5e3);
      const before = gateway.reads.length;
      gateway.signedIn = null;
      await all[0].fire(comes, event);
      assert.equal(gateway.reads.length, before + 2); // its own, and that of whom it tells
      assert.equal(everyone(all), "anonymous anonymous");
      all[1].close();
      gateway.signedIn = ada;
      await all[0].fire("online");
      assert.equal(gateway.streams.at(-1).tab, all[0]);
    });
  }
  await t.test("is not given to a tab that is held still and waits for it", async () => {
    const { gateway, all } = await tabs(3);
    await all[1].fire("freeze");
    all[0].close();
    await settled();
    assert.deepEqual(gateway.streams.map((s) => s.tab), [all[0], all[2]]);
  });
  await t.test("is not kept by a tab that is given it as it goes", async () => {
    const { browser, gateway, all } = await tabs(3);
    all[1].leave();
    all[0].close();
    await browser.clock.forward(1);
    assert.deepEqual(gateway.streams.map((s) => s.tab), [all[0], all[2]]);
  });
  await t.test("is not opened for nobody, and is for who signs in", async () => {
    const browser = new Browser();
    browser.gateway.signedIn = null;
    const tab = await browser.tab().watch();
    assert.equal(browser.gateway.streams.length, 0);
    browser.gateway.signedIn = ada;
    await tab.client.getSession();
    assert.equal(browser.gateway.streams.length, 1);
  });
  await t.test("comes back by itself", async () => {
    const { gateway, all } = await tabs(1);
    gateway.streams[0].fail(0);
    await settled();
    assert.equal(gateway.streams.length, 1);
    assert.equal(all[0].status, "authenticated");
  });
  await t.test("that breaks off has the session looked at once, so that a gateway that is gone is told", async () => {
    const { gateway, all } = await tabs(1);
    const before = gateway.reads.length;
    gateway.trouble = 503;
    gateway.streams[0].fail(0);
    await settled();
    assert.equal(all[0].status, "stale");
    gateway.streams[0].fail(0);
    await settled();
    assert.equal(gateway.reads.length, before + 1);
    gateway.trouble = undefined;
    gateway.streams[0].open();
    await settled();
    assert.equal(all[0].status, "authenticated");
  });
  await t.test("when it is refused has the session looked at, and is opened again after a while", async () => {
    const { browser, gateway, all } = await tabs(1);
    const before = gateway.reads.length;
    gateway.streams[0].fail(2);
    await settled();
    assert.equal(gateway.reads.length, before + 1);
    await all[0].client.getSession();
    await browser.clock.forward(29e3);
    assert.equal(gateway.streams.length, 1);
    await browser.clock.forward(1e3);
    assert.equal(gateway.streams.length, 2);
  });
  await t.test("is the new session's at once", async () => {
    const { browser, gateway, all } = await tabs(1);
    gateway.streams[0].fail(2);
    await all[0].client.logout();
    gateway.signedIn = ada;
    await all[0].client.getSession();
    assert.equal(gateway.streams.length, 2);
    await browser.clock.forward(60e3);
    assert.equal(gateway.streams.length, 2);
  });
  for (const [what, options, events] of [["when it is not wanted", {}, false], ["where the browser has no locks", { locks: false }, true],
    ["where the page may have none", { locks: () => Promise.reject(new Error("SecurityError")) }, true]]) {
    await t.test(`is done without ${what}`, async () => {
      const browser = new Browser(), tab = browser.tab(options), client = tab.client.createClient({ base: "/auth", events });
      client.subscribe((state) => tab.heard.push(state));
      await settled();
      assert.equal(tab.statuses, "loading authenticated");
      assert.equal(browser.gateway.streams.length, 0);
    });
  }
});
