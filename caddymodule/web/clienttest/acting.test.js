import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser, ada, settled } from "./world.js";

test("login leaves for the sign-in page", async (t) => {
  for (const [what, options, want, tab = {}] of [
    ["and comes back to the page", undefined, "https://app.example.com/auth/login?return_to=%2Forders%3Fpage%3D2%23top"],
    ["and comes back where it is told", { returnTo: "/start" }, "https://app.example.com/auth/login?return_to=%2Fstart"],
    ["of a provider", { provider: "a b/c", returnTo: "/" }, "https://app.example.com/auth/login/a%20b%2Fc?return_to=%2F"],
    ["of a gateway elsewhere", undefined, "https://gate.example.com/auth/login?return_to=https%3A%2F%2Fapp.example.com%2Forders%3Fpage%3D2%23top",
      { moduleURL: "https://gate.example.com/auth/client.js" }],
  ]) {
    await t.test(what, () => {
      const { client, went } = new Browser().tab(tab);
      client.login(options);
      assert.deepEqual(went, [want]);
    });
  }
});

test("logout", async (t) => {
  await t.test("ends the session", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    assert.equal(await tab.client.logout(), null);
    assert.equal(browser.gateway.signedIn, null);
    assert.equal(tab.status, "anonymous");
  });
  await t.test("rejects when it could not, and nobody is signed out", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    browser.gateway.trouble = 503;
    await assert.rejects(tab.client.logout(), { status: 503 });
    browser.gateway.trouble = null;
    await settled();
    assert.notEqual(tab.status, "anonymous");
    assert.ok(tab.client.getState().session);
  });
  await t.test("is no trouble for who is signed out", async () => {
    const browser = new Browser(), { client } = browser.tab();
    browser.gateway.signedIn = null;
    assert.equal(await client.logout(), null);
  });
  await t.test("with an address to go to is a form, which may lead to a provider", async () => {
    const tab = new Browser().tab();
    tab.client.logout({ returnTo: "/bye" });
    const [{ method, action, children }] = tab.forms;
    assert.deepEqual([method, action, children.length], ["post", "https://app.example.com/auth/logout", 1]);
    assert.deepEqual([children[0].name, children[0].value, children[0].type], ["return_to", "/bye", "hidden"]);
  });
  await t.test("forgets the account of the tab", async () => {
    const browser = new Browser(), { client } = browser.tab();
    await client.switchAccount("globex");
    await client.logout();
    browser.gateway.signedIn = ada;
    assert.equal((await client.getSession()).primaryAccount.accountId, "acme");
  });
  await t.test("is not undone by an answer from before", async () => {
    const browser = new Browser(), tab = browser.tab();
    browser.gateway.hold();
    await tab.watch();
    const { held } = browser.gateway, early = tab.client.getSession();
    browser.gateway.held = null;
    await tab.client.logout();
    held.resolve();
    assert.equal(await early, null);
    assert.equal(tab.statuses, "loading anonymous");
  });
});

test("refresh", async (t) => {
  await t.test("resolves to the session as it is by now", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    browser.gateway.signedIn = { ...ada, flatRolesList: ["viewer"] };
    assert.deepEqual((await tab.client.refresh()).flatRolesList, ["viewer"]);
    assert.ok(!tab.client.hasRole("admin"));
    assert.equal(browser.gateway.asked.at(-1).method, "POST");
  });
  await t.test("resolves to null when a source has said no", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    browser.gateway.signedIn = null;
    assert.equal(await tab.client.refresh(), null);
    assert.equal(tab.status, "anonymous");
  });
  await t.test("rejects when it could not, and looks how the session is", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    const answer = browser.gateway.answer;
    browser.gateway.answer = (request, path) => path === "/auth/refresh"
      ? Response.json({ error: "source_unreadable", status: 502 }, { status: 502 })
      : answer.call(browser.gateway, request, path);
    browser.gateway.signedIn = { ...ada, flatRolesList: [] };
    await assert.rejects(tab.client.refresh(), { status: 502, code: "source_unreadable" });
    await settled();
    assert.deepEqual(tab.client.getState().session.flatRolesList, []);
  });
});

test("switchAccount", async (t) => {
  await t.test("is for this tab, and for as long as it is open", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    const session = await tab.client.switchAccount("globex");
    assert.equal(session.primaryAccount.accountId, "globex");
    assert.equal(browser.gateway.primary, "acme");
    const reloaded = browser.tab();
    reloaded.kept = tab.kept;
    assert.equal((await reloaded.client.getSession()).primaryAccount.accountId, "globex");
    assert.equal((await browser.tab().client.getSession()).primaryAccount.accountId, "acme");
  });
  await t.test("rejects for an account of somebody else, and nothing changes", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    await tab.client.switchAccount("globex");
    await assert.rejects(tab.client.switchAccount("initech"), { status: 403 });
    await settled();
    assert.equal(tab.client.getState().session.primaryAccount.accountId, "globex");
    assert.equal((await tab.client.getSession()).primaryAccount.accountId, "globex");
  });
  await t.test("everywhere is for the session", async () => {
    const browser = new Browser(), [tab, other, own] = [await browser.tab().watch(), await browser.tab().watch(), await browser.tab().watch()];
    await own.client.switchAccount("acme");
    await tab.client.switchAccount("globex", { everywhere: true });
    await settled();
    assert.equal(browser.gateway.primary, "globex");
    for (const [{ client }, want] of [[tab, "globex"], [other, "globex"], [own, "acme"]]) {
      assert.equal(client.getState().session.primaryAccount.accountId, want);
    }
  });
  await t.test("resolves to null when nobody is signed in, and chooses nothing", async () => {
    const browser = new Browser(), tab = browser.tab();
    browser.gateway.signedIn = null;
    assert.equal(await tab.client.switchAccount("globex"), null);
    browser.gateway.signedIn = ada;
    assert.equal((await tab.client.getSession()).primaryAccount.accountId, "acme");
  });
  await t.test("may have an id that no header holds as it is", async () => {
    const browser = new Browser(), tab = await browser.tab().watch(), { gateway } = browser;
    gateway.signedIn = { ...ada, accounts: [{ accountId: "acme" }, { accountId: "50% 東京" }] };
    assert.equal((await tab.client.switchAccount("50% 東京")).primaryAccount.accountId, "50% 東京");
    await tab.client.authFetch("/app", { method: "POST" });
    assert.equal(gateway.asked.at(-1).request.headers.get("X-Account-Id"), "50%25%20%E6%9D%B1%E4%BA%AC");
  });
  await t.test("is for the page where the browser keeps nothing", async () => {
    const browser = new Browser(), { client } = browser.tab({ storage: false });
    await client.switchAccount("globex");
    assert.equal((await client.getSession()).primaryAccount.accountId, "globex");
  });
  await t.test("is over when the account is theirs no longer", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    await tab.client.switchAccount("globex");
    browser.gateway.signedIn = { ...ada, accounts: [{ accountId: "acme" }] };
    assert.equal((await tab.client.getSession()).primaryAccount.accountId, "acme");
    assert.equal(tab.statuses, "loading authenticated authenticated authenticated"); // it is told
    await tab.client.authFetch("/app", { method: "POST" });
    assert.equal(browser.gateway.asked.at(-1).account, null);
  });
  for (const [what, questions, refusal] of [
    ["a page of a firewall", 1, () => new Response("<h1>Forbidden</h1>", { status: 403 })],
    ["what another service refuses by", 1, () => Response.json({ error: "Forbidden" }, { status: 403 })],
    ["our word in another's mouth", 2, () => Response.json({ error: "forbidden", status: 403 }, { status: 403 })],
  ]) {
    await t.test(`is not over for ${what}`, async () => {
      const browser = new Browser(), { gateway } = browser, tab = await browser.tab({ locks: false }).watch(), answer = gateway.answer;
      await tab.client.switchAccount("globex");
      gateway.answer = (request, ...rest) =>
        request.url.endsWith("/session") && request.headers.has("X-Account-Id") ? refusal() : answer.call(gateway, request, ...rest);
      const before = gateway.reads.length;
      await assert.rejects(tab.client.getSession(), { status: 403 });
      assert.equal(gateway.reads.length - before, questions);
      assert.equal(tab.status, "stale");
      assert.equal(tab.client.getState().session.primaryAccount.accountId, "globex");
      await tab.client.authFetch("/app", { method: "POST" });
      assert.equal(gateway.asked.at(-1).account, "globex");
      gateway.answer = answer;
      assert.equal((await tab.client.getSession()).primaryAccount.accountId, "globex");
    });
  }
  const grace = { ...ada, id: 2, email: "grace@example.com" };
  for (const [what, who] of [["the same person", ada], ["another one", grace]]) {
    await t.test(`is over when the session has ended, and ${what} signs in`, async () => {
      const browser = new Browser(), tab = await browser.tab().watch(), other = await browser.tab().watch();
      await tab.client.switchAccount("globex");
      await other.client.logout();
      await settled();
      assert.equal(tab.status, "anonymous");
      browser.gateway.signedIn = who;
      const session = await tab.client.getSession();
      assert.deepEqual([session.id, session.primaryAccount.accountId], [who.id, "acme"]);
    });
  }
  await t.test("is over when the session is another person's all at once", async () => {
    const browser = new Browser(), tab = await browser.tab().watch();
    await tab.client.switchAccount("globex");
    for (const ask of ["getSession", "refresh"]) {
      browser.gateway.signedIn = grace;
      const session = await tab.client[ask]();
      assert.deepEqual([session.id, session.primaryAccount.accountId], [grace.id, "acme"]);
      browser.gateway.signedIn = ada;
      await tab.client.switchAccount("globex");
    }
    assert.ok(tab.heard.every(({ session }) => session?.id !== grace.id || session.primaryAccount.accountId === "acme"));
  });
  await t.test("is not the next person's after a reload, nor what their page sends before it is told", async () => {
    const browser = new Browser(), tab = browser.tab(), reloaded = browser.tab();
    await tab.client.switchAccount("globex");
    reloaded.kept = tab.kept;
    browser.gateway.signedIn = grace;
    await reloaded.client.authFetch("/app", { method: "POST" });
    assert.equal(browser.gateway.asked.at(-1).account, null);
    assert.equal(reloaded.client.getState().session.primaryAccount.accountId, "acme");
  });
  await t.test("is none where what is kept cannot be read", async () => {
    for (const kept of ["globex", "null", "1", "{}", "[]"]) {
      const tab = new Browser().tab();
      tab.kept.set("sidegate https://app.example.com/auth", kept);
      assert.equal((await tab.client.getSession()).primaryAccount.accountId, "acme");
    }
  });
});

test("hasRole and hasPermission", async (t) => {
  const browser = new Browser(), { client } = browser.tab();
  for (const known of [false, true]) {
    if (known) await client.getSession();
    for (const [what, has, want] of [
      ["any of several", client.hasRole("viewer", "editor"), known],
      ["one", client.hasPermission("orders:read"), known],
      ["none of them", client.hasRole("viewer", "orders:read"), false],
      ["nothing", client.hasPermission(), false],
    ]) {
      await t.test(`${what}, ${known ? "signed in" : "before anybody was asked"}`, () => assert.equal(has, want));
    }
  }
});

test("authFetch", async (t) => {
  const start = async (app) => {
    const browser = new Browser(), tab = await browser.tab().watch();
    browser.gateway.app = app;
    return { browser, tab, gateway: browser.gateway, fetch: (...args) => tab.client.authFetch(...args) };
  };
  await t.test("is fetch", async () => {
    const { gateway, fetch } = await start();
    const answer = await fetch("/app", { method: "POST", body: "x", headers: { "X-Own": "1" } });
    assert.equal(await answer.text(), "the app");
    const { request, account } = gateway.asked.at(-1);
    assert.deepEqual([request.method, request.headers.get("X-Own"), account, await request.text()], ["POST", "1", null, "x"]);
  });
  await t.test("sends the account of the tab along", async () => {
    const { tab, gateway, fetch } = await start();
    await tab.client.switchAccount("globex");
    for (const input of ["/app", new URL("https://app.example.com/app"), new Request("https://app.example.com/app")]) {
      await fetch(input);
      assert.equal(gateway.asked.at(-1).account, "globex");
    }
    await fetch("/app", { headers: { "X-Account-Id": "acme" } });
    assert.equal(gateway.asked.at(-1).account, "acme");
  });
  await t.test("sends cookies as fetch does, and to a gateway elsewhere always", async () => {
    const { tab, gateway, fetch } = await start();
    const away = tab.client.createClient({ base: "https://gate.example.com/auth" });
    for (const [ask, input, init, want] of [
      [fetch, "/app", undefined, "same-origin"],
      [fetch, "/app", { credentials: "omit" }, "omit"],
      [away.authFetch, "/app", undefined, "same-origin"],
      [away.authFetch, "https://gate.example.com/app", undefined, "include"],
      [away.authFetch, "https://gate.example.com/app", { credentials: "omit" }, "omit"],
      [away.authFetch, new Request("https://gate.example.com/app", { credentials: "omit" }), undefined, "omit"],
    ]) {
      await ask(input, init);
      assert.equal(gateway.asked.at(-1).request.credentials, want);
    }
  });
  await t.test("and to no other site", async () => {
    const { tab, gateway, fetch } = await start(401);
    await tab.client.switchAccount("globex");
    const before = gateway.reads.length;
    for (const at of ["https://elsewhere.example.net/app", "https://app.example.com:8443/app", "http://app.example.com/app", "//app.example.org/app"]) await fetch(at);
    assert.equal(gateway.asked.at(-1).account, null);
    assert.equal(gateway.reads.length, before);
  });
  await t.test("says by 401 that the session is gone when it is", async () => {
    const { tab, gateway, fetch } = await start(401);
    gateway.signedIn = null;
    assert.equal((await fetch("/app")).status, 401);
    assert.equal(tab.status, "anonymous");
  });
  await t.test("asks once for all that were refused at once", async () => {
    const { gateway, fetch } = await start(401);
    const before = gateway.reads.length;
    gateway.signedIn = null;
    await Promise.all(Array.from({ length: 10 }, () => fetch("/app")));
    assert.equal(gateway.reads.length - before, 1);
    await fetch("/app");
    assert.equal(gateway.reads.length - before, 1);
  });
  await t.test("hands on a 401 of the app's own", async () => {
    const { tab, fetch } = await start(401);
    assert.equal((await fetch("/app")).status, 401);
    assert.equal(tab.statuses, "loading authenticated");
  });
  await t.test("signs nobody out when it cannot be told", async () => {
    const { tab, gateway, fetch } = await start(401);
    const answer = gateway.answer;
    gateway.answer = (request, path) => path === "/app" ? answer.call(gateway, request, path) : new Response("", { status: 500 });
    assert.equal((await fetch("/app")).status, 401);
    assert.equal(tab.status, "stale");
  });
});
