/** Somebody who is signed in, as `GET /auth/session` tells, with dates that are dates. */
export interface UserSession {
  /** User ID */
  id: number;
  /** User's email address */
  email: string;
  /** Email of the user who created this user */
  createdBy?: string;
  /** Email of the user who last updated this user */
  updatedBy?: string;
  /** Creation timestamp */
  createdAt?: Date;
  /** Last update timestamp */
  updatedAt?: Date;
  /** The account that this tab acts for */
  primaryAccount?: Account;
  /** List of accounts the user has access to */
  accounts?: Account[];
  /** List of user roles */
  flatRolesList?: string[];
  /** List of user permissions */
  flatPermissionsList?: string[];
  /** JWT session token for authentication */
  token: string;
}

export interface Account {
  accountId?: string;
  accountName?: string;
  usersPrimaryAccount?: boolean;
  accountAdmin?: boolean;
}

/**
 * What is known of who is signed in. Each state is an object of its own, which never changes.
 *
 * - `loading`: nobody has been asked yet
 * - `authenticated`: this session is
 * - `anonymous`: nobody is
 * - `stale`: it cannot be told just now; `session` is the last one known, and while anybody listens it is asked again by itself
 */
export type SessionState =
  | { readonly status: "authenticated"; readonly session: UserSession }
  | { readonly status: "loading" | "anonymous"; readonly session: null }
  | { readonly status: "stale"; readonly session: UserSession | null };

/**
 * What was answered in the place of a session. Trouble with the network is a `TypeError`, as `fetch` has it; no answer in
 * time is a `DOMException` of the name `TimeoutError`.
 */
export interface SessionError extends Error {
  /** The status of the answer */
  status?: number;
  /** Its `error`, such as `unavailable` */
  code?: string;
}

export interface Client {
  /** What is known, without asking. */
  getState(): SessionState;

  /**
   * Asks the gateway who is signed in: `null` when nobody is. Rejects when that cannot be told, or is not within ten
   * seconds, and the state is then `stale`. Calls at the same time share one request.
   */
  getSession(): Promise<UserSession | null>;

  /**
   * Calls the listener with what is known now, and whenever that changes: here, in another tab, or at the gateway.
   * Returns what ends it; after the last one has ended nothing is asked by itself.
   */
  subscribe(listener: (state: SessionState) => void): () => void;

  /**
   * Leaves for the sign-in page, and comes back to `returnTo`: by default this page. With `provider` it leaves for the
   * provider of that name. Nothing that awaits it goes on.
   */
  login(options?: { provider?: string; returnTo?: string }): Promise<unknown>;

  /**
   * Signs out, in all tabs. Rejects when the gateway could not; the person is signed in still. With `returnTo` the page
   * is left: for the provider's own sign-out, where there is one, and then for that address.
   */
  logout(options?: { returnTo?: string }): Promise<null>;

  /** Has the session built anew from its sources: what somebody may do from now on, and not from their next sign-in on. */
  refresh(): Promise<UserSession | null>;

  /**
   * Acts for another one of the person's accounts, in this tab, until it is closed, nobody or somebody else is signed in,
   * or the account is theirs no longer: listeners are told a session of another `primaryAccount` then. Other tabs are left alone.
   * With `everywhere` it becomes the primary account of the session, in every tab that has not chosen one of its own.
   * Rejects, and nothing changes, for an account that is not one's own.
   */
  switchAccount(accountId: string, options?: { everywhere?: boolean }): Promise<UserSession | null>;

  /**
   * Whether the last session known has any of these roles. It is for what to show: what may be done is decided by the
   * gateway and the app.
   */
  hasRole(...any: string[]): boolean;

  /** Whether the last session known has any of these permissions. */
  hasPermission(...any: string[]): boolean;

  /**
   * `fetch` that sends this tab's account along (`X-Account-Id`) to the page's own origin and the gateway's, and, unless
   * told otherwise, cookies to the gateway's also where that is another origin. Where it redirects to, the account goes, too:
   * use `fetch` for what leads to other origins. When the answer is 401 it asks whether the session is gone, so that the state is true by the time the answer is returned: a
   * 401 with the state `authenticated` is the app's own.
   */
  authFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}

export interface ClientOptions {
  /** Where the gateway's endpoints are: its `base_path`, with its origin when that is another one. By default where this file is from. */
  base?: string;
  /** Whether one of the tabs listens to `GET /auth/events`, for all of them. By default true. */
  events?: boolean;
}

/** A client of a gateway elsewhere. */
export declare function createClient(options?: ClientOptions): Client;

export declare const getState: Client["getState"];
export declare const getSession: Client["getSession"];
export declare const subscribe: Client["subscribe"];
export declare const login: Client["login"];
export declare const logout: Client["logout"];
export declare const refresh: Client["refresh"];
export declare const switchAccount: Client["switchAccount"];
export declare const hasRole: Client["hasRole"];
export declare const hasPermission: Client["hasPermission"];
export declare const authFetch: Client["authFetch"];
