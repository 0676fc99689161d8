import assert from "node:assert/strict";
import { test } from "node:test";
import * as page from "./npm/client.js";
import { createMockSession } from "./npm/mock.js";

test("the mock", async (t) => {
  await t.test("has all that the client has", () => {
    const { createClient, ...rest } = page;
    assert.deepEqual(Object.keys(createMockSession()).filter((name) => name !== "set").sort(), Object.keys(rest).sort());
    assert.deepEqual(Object.keys(createClient({ base: "/auth" })).sort(), Object.keys(rest).sort());
  });
  await t.test("is of whom it is told", async () => {
    assert.equal((await createMockSession({ id: 2, email: "grace@example.com", token: "" }).getSession()).email, "grace@example.com");
    assert.equal(await createMockSession(null).getSession(), null);
  });
  await t.test("switches between the accounts of the person", async () => {
    const mock = createMockSession();
    assert.equal((await mock.switchAccount("globex")).primaryAccount.accountId, "globex");
    assert.deepEqual(mock.getState().session.accounts.map((one) => one.usersPrimaryAccount), [false, true]);
    await assert.rejects(mock.switchAccount("initech"), { status: 403 });
    assert.equal(mock.getState().session.primaryAccount.accountId, "globex");
  });
  await t.test("cannot tell when it is stale", async () => {
    const mock = createMockSession();
    mock.set(mock.getState().session, "stale");
    await assert.rejects(mock.getSession(), { status: 500, code: "unavailable" });
    assert.ok(mock.hasRole("admin") && mock.hasPermission("nothing", "orders:read") && !mock.hasRole());
  });
});
