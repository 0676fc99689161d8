import { authFetch, getSession, hasRole, login, logout, refresh, subscribe, switchAccount } from "sidegate-client";
import type { Client, SessionError, UserSession } from "sidegate-client";
import { createMockSession } from "sidegate-client/mock";
import type { components } from "sidegate-client/openapi";
import { useSession } from "sidegate-client/react";

// What the gateway sends is what the client hands on, but for dates, which are texts there.
type Sent = components["schemas"]["UserSession"];
type Dates = "createdAt" | "updatedAt";
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Plain<T> = T extends Date ? T : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
export const sameFields: Same<Plain<Omit<UserSession, Dates>>, Plain<Omit<Sent, Dates>>> = true;
export const sameDates: Same<Pick<UserSession, Dates>, { [K in Dates]?: Date }> = true;
export const sentDates: Same<Plain<Pick<Sent, Dates>>, { [K in Dates]?: string }> = true;

export function Greeting({ client }: { client?: Client }) {
  const { status, session } = useSession(client);
  if (status === "loading") return <p>…</p>;
  if (status === "anonymous") return <button onClick={() => login({ returnTo: "/orders" })}>Sign in</button>;
  return (
    <p title={session?.createdAt?.toDateString()}>
      {session?.email} {status === "stale" ? "(as of before)" : ""} {hasRole("admin", "editor") ? "may write" : ""}
      {session?.accounts?.map((one) => <button key={one.accountId} onClick={() => switchAccount(one.accountId ?? "")}>{one.accountName}</button>)}
      <button onClick={() => logout()}>Sign out</button>
    </p>
  );
}

export const story = <Greeting client={createMockSession(null)} />;

export async function orders(): Promise<number> {
  const leave = subscribe((state) => {
    if (state.status === "authenticated") console.log(state.session.email);
    // @ts-expect-error: who is signed in may be unknown
    state.session.email;
  });
  try {
    const session = await getSession();
    await refresh();
    const answer = await authFetch("/orders", { method: "POST" });
    return session === null ? 0 : answer.status;
  } catch (error) {
    return (error as SessionError).status ?? -1;
  } finally {
    leave();
  }
}
