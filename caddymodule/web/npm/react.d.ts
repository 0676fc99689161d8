import type { Client, SessionState } from "./client.js";

/**
 * Who is signed in, for a component, which is rendered anew when that changes.
 * Rendered at a server it is `loading`.
 *
 * @param client one of `createClient` or `createMockSession`; by default the page's
 */
export declare function useSession(client?: Pick<Client, "subscribe" | "getState">): SessionState;
