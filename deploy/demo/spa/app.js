// A single-page app without a build step. All that it knows of sign-in is the gateway's client.
import { authFetch, hasPermission, login, logout, refresh, subscribe, switchAccount } from "/auth/client.js";

const $ = (id) => document.getElementById(id);
const says = {
  loading: "Looking who is signed in…",
  authenticated: "You are signed in.",
  anonymous: "You are not signed in.",
  stale: "The gateway cannot be reached. This is what was known before; it is looked at again by itself.",
};

// item is a line of a list, with what can be done about it.
const item = (text, ...buttons) => {
  const line = document.createElement("li"), span = document.createElement("span");
  span.textContent = text;
  line.append(span, ...buttons);
  return line;
};

// button does what it says, to whom, and shows why where that fails.
const button = (text, whom, act) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", `${text}: ${whom}`);
  made.addEventListener("click", () => act().catch(sayWhy));
  return made;
};
const press = (id, act) => $(id).addEventListener("click", () => act().catch(sayWhy));
const sayWhy = (error) => ($("answer").textContent = `That did not work: ${error.message}`);

const showAccounts = ({ accounts = [], primaryAccount }) =>
  $("accounts").replaceChildren(
    ...accounts.map(({ accountId, accountName }) =>
      accountId === primaryAccount?.accountId
        ? item(`${accountName} (the present one)`)
        : item(
            accountName,
            button("In this tab", accountName, () => switchAccount(accountId)),
            button("In all tabs", accountName, () => switchAccount(accountId, { everywhere: true })),
          ),
    ),
  );

// Orders are of the account that the tab acts for: authFetch tells the app which. Of
// several answers that of the last question counts.
let asked = 0;
const showOrders = async (init) => {
  const question = ++asked, answer = await authFetch("/api/orders", init);
  if (answer.status === 401) return; // the state says so by now
  if (!answer.ok) throw new Error(`the app answered with ${answer.status}`);
  const { account, orders } = await answer.json();
  if (question !== asked) return;
  $("account").textContent = account;
  $("orders").replaceChildren(...orders.map((order) => item(order)));
};

subscribe(({ status, session }) => {
  $("status").textContent = says[status];
  $("status").className = status;
  $("anonymous").hidden = status !== "anonymous";
  $("person").hidden = !session;
  if (!session) return;
  $("email").textContent = session.email;
  $("since").textContent = session.createdAt?.toLocaleDateString() ?? "";
  $("roles").textContent = session.flatRolesList?.join(", ") ?? "";
  $("order").hidden = !hasPermission("orders:write");
  showAccounts(session);
  if (status === "authenticated") showOrders().catch(sayWhy);
});

press("login", () => login());
press("logout", () => logout());
press("refresh", () => refresh().then(() => ($("answer").textContent = "Looked up.")));
press("order", () => showOrders({ method: "POST" }).then(() => ($("answer").textContent = "Ordered.")));
