import * as page from "./index.js";
import { useSession as useSessionOf } from "../react.js";

export const useSession = (client = page) => useSessionOf(client);
