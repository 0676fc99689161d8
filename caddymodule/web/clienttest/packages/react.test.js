import assert from "node:assert/strict";
import { test } from "node:test";
import { StrictMode, createElement } from "react";
import { renderToString } from "react-dom/server";
import { act, create } from "react-test-renderer";
import { createMockSession } from "./npm/mock.js";
import { useSession } from "./npm/react.js";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;

const rendered = [];

function Who({ of }) {
  const { status, session } = useSession(of);
  rendered.push(status);
  return createElement("p", null, `${status} ${session?.email ?? "nobody"}`);
}

const show = async (of) => {
  rendered.length = 0;
  let root;
  await act(async () => {
    root = create(createElement(StrictMode, null, createElement(Who, { of })));
  });
  return { root, text: () => root.toJSON().children.join("") };
};

test("useSession", async (t) => {
  await t.test("shows who is signed in, and what becomes of it", async () => {
    const mock = createMockSession();
    const { text } = await show(mock);
    assert.equal(text(), "authenticated ada@example.com");
    for (const [change, want] of [
      [() => mock.set(mock.getState().session, "stale"), "stale ada@example.com"],
      [() => mock.set(null), "anonymous nobody"],
      [() => mock.login(), "authenticated ada@example.com"],
      [() => mock.logout(), "anonymous nobody"],
    ]) {
      await act(async () => void (await change()));
      assert.equal(text(), want);
    }
  });
  await t.test("renders no more often than something changes", async () => {
    const mock = createMockSession();
    await show(mock);
    const first = rendered.length;
    await act(async () => void (await mock.getSession()));
    assert.equal(rendered.length, first);
  });
  await t.test("follows no more when it is gone", async () => {
    const mock = createMockSession();
    let following = 0;
    const { root } = await show({
      ...mock,
      subscribe(listener) {
        following++;
        const leave = mock.subscribe(listener);
        return () => (following--, leave());
      },
    });
    assert.equal(following, 1);
    await act(async () => root.unmount());
    assert.equal(following, 0);
  });
  await t.test("is loading at a server, which knows nobody", () => {
    assert.equal(renderToString(createElement(Who, {})), "<p>loading nobody</p>");
    assert.equal(renderToString(createElement(Who, { of: createMockSession() })), "<p>loading nobody</p>");
  });
  await t.test("is of the page's client unless it is told of another", async () => {
    const asked = [];
    const browser = {
      navigator: {},
      document: { addEventListener() {} },
      addEventListener() {},
      location: new URL("https://app.example.com/"),
      BroadcastChannel: class { postMessage() {} },
      fetch: async (address) => {
        asked.push(new URL(address).pathname);
        return new Response(null, { status: 401 });
      },
    };
    for (const [name, value] of Object.entries(browser)) Object.defineProperty(globalThis, name, { value, configurable: true });
    const { text } = await show();
    assert.equal(text(), "anonymous nobody");
    assert.deepEqual(asked.map((path) => path.endsWith("/npm/session")), [true]);
  });
});
