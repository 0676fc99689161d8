// A client without a gateway, for development and tests. What it does is in mock.d.ts.
const ada = () => ({
  id: 1,
  email: "ada@example.com",
  createdAt: new Date("2026-01-05T09:00:00Z"),
  primaryAccount: { accountId: "acme", accountName: "Acme Ltd", usersPrimaryAccount: true, accountAdmin: true },
  accounts: [
    { accountId: "acme", accountName: "Acme Ltd", usersPrimaryAccount: true, accountAdmin: true },
    { accountId: "globex", accountName: "Globex", usersPrimaryAccount: false, accountAdmin: false },
  ],
  flatRolesList: ["admin"],
  flatPermissionsList: ["orders:read"],
  token: "",
});

const actingFor = (session, account) => ({
  ...session,
  primaryAccount: { ...account, usersPrimaryAccount: true },
  accounts: session.accounts.map((one) => ({ ...one, usersPrimaryAccount: one.accountId === account.accountId })),
});

export const createMockSession = (session = ada()) => {
  const listeners = new Set(), person = session ?? ada();
  let state;

  const set = (session, status = session ? "authenticated" : "anonymous") => {
    state = Object.freeze({ status, session });
    for (const listener of [...listeners]) listener(state);
    return session;
  };
  set(session);

  const told = async () => {
    if (state.status === "stale") throw Object.assign(new Error("the mock cannot tell"), { status: 500, code: "unavailable" });
    return state.session;
  };
  const has = (list) => (...any) => any.some((one) => state.session?.[list]?.includes(one));

  return {
    set,
    getState: () => state,
    getSession: told,
    subscribe(listener) {
      listeners.add(listener);
      listener(state);
      return () => listeners.delete(listener);
    },
    login: async () => set(person),
    logout: async () => (await told(), set(null)),
    refresh: told,
    async switchAccount(id) {
      const session = await told();
      const account = session?.accounts?.find((one) => one.accountId === id);
      if (session && !account) throw Object.assign(new Error("not an account of theirs"), { status: 403, code: "forbidden" });
      return session && set(actingFor(session, account));
    },
    hasRole: has("flatRolesList"),
    hasPermission: has("flatPermissionsList"),
    authFetch: (input, init) => fetch(input, init),
  };
};
