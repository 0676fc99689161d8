// In a bundle nothing tells where the gateway is: at /auth, or where createClient is told.
import { createClient } from "../client.js";

export { createClient };
export const { getState, getSession, subscribe, login, logout, refresh, switchAccount, hasRole, hasPermission, authFetch } =
  createClient({ base: "/auth" });
