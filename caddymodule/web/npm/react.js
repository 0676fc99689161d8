// Sidegate's client for React. What it does is in react.d.ts.
import { useSyncExternalStore } from "react";
import * as page from "./client.js";

const unknown = Object.freeze({ status: "loading", session: null });

export const useSession = (client = page) => useSyncExternalStore(client.subscribe, client.getState, () => unknown);
