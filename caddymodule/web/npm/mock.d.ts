import type { Client, SessionState, UserSession } from "./client.js";

export interface MockSession extends Client {
  /** Makes that the session, with the status that goes with it, or with another one: `set(null, "loading")`. */
  set(session: UserSession | null, status?: SessionState["status"]): UserSession | null;
  /** Signs in at once, as the person that the mock was made with. */
  login(options?: { provider?: string; returnTo?: string }): Promise<UserSession | null>;
  /** Signs out, and stays on the page. */
  logout(options?: { returnTo?: string }): Promise<null>;
}

/**
 * A client that asks no gateway, for development, stories and tests: give it to `useSession`, or to what takes a
 * `Client`. With `null` nobody is signed in; without a session it is that of ada@example.com.
 */
export declare function createMockSession(session?: UserSession | null): MockSession;
