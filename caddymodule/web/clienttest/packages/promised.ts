// What front ends were written against before there was a document, field by field, and
// what a generator makes of the document now. They are the same, but for dates, which are
// texts on the wire. It is compiled, and never run.
import type { components, paths } from "./npm/openapi";

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
  primaryAccount?: {
    accountId?: string;
    accountName?: string;
    usersPrimaryAccount?: boolean;
    accountAdmin?: boolean;
  };
  /** List of accounts the user has access to */
  accounts?: {
    accountId?: string;
    accountName?: string;
    usersPrimaryAccount?: boolean;
    accountAdmin?: boolean;
  }[];
  /** List of user roles */
  flatRolesList?: string[];
  /** List of user permissions */
  flatPermissionsList?: string[];
  /** JWT session token for authentication */
  token: string;
}

export interface Error {
  /** Error message */
  error: string;
  /** HTTP status code */
  status?: number;
  /** Detailed error message */
  message?: string;
}

type OnTheWire<T> = T extends Date ? string : T extends object ? { [K in keyof T]: OnTheWire<T[K]> } : T;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Schemas = components["schemas"];

export const session: Same<OnTheWire<UserSession>, Schemas["UserSession"]> = true;
export const error: Same<OnTheWire<Error>, Schemas["Error"]> = true;

// The comparison sees what differs: another type, a field that may be left out, one more.
// @ts-expect-error
export const dates: Same<UserSession, Schemas["UserSession"]> = true;
// @ts-expect-error
export const optional: Same<OnTheWire<Omit<UserSession, "email"> & { email?: string }>, Schemas["UserSession"]> = true;
// @ts-expect-error
export const more: Same<OnTheWire<Error & { code?: string }>, Schemas["Error"]> = true;

// The codes are known to who reads an error, and what changes the account names one.
type Get = paths["/session"]["get"]["responses"];
export const answered: Same<Get[200]["content"]["application/json"], Schemas["UserSession"]> = true;
export const refused = (why: Get[401]["content"]["application/json"]): Schemas["Error"] => why;
export const known: Get[500]["content"]["application/json"] = { error: "unavailable", status: 500, message: "" };
// @ts-expect-error
export const unknown: Get[500]["content"]["application/json"] = { error: "unavailible" };
type Choice = paths["/session/primary-account"]["put"]["requestBody"]["content"]["application/json"];
export const choice: Choice = { accountId: "globex" };
// @ts-expect-error
export const none: Choice = {};
