// The script of the API page: its tabs, and Try it out. It asks the gateway that the
// page is from, and writes what comes as text, never as markup. A token that is pasted
// is in its field alone, which is emptied when the page is left.
"use strict";

const enough = 200_000; // characters of a body that are shown

const token = document.getElementById("token");
const choose = (who) => { document.getElementById(who).checked = true; };
document.getElementById("as").hidden = false;
token.addEventListener("input", () => choose("as-token"));
addEventListener("pagehide", () => {
  token.value = "";
  choose("as-session");
});

// pasted is the token, also where the word that goes before it in its header came along.
const pasted = () => token.value.trim().replace(/^bearer\s+/i, "");

const make = (name, attributes, text) => {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.textContent = text ?? "";
  return element;
};

// Tabs as the ARIA practices have them: one of them is in the order of the keyboard,
// and the arrows go from one to the next.
for (const tabs of document.querySelectorAll(".tabs")) {
  const panels = [...tabs.querySelectorAll(":scope > .panel")];
  const route = tabs.closest(".route");
  const list = make("div", { role: "tablist", class: "tablist", "aria-labelledby": route.id + "-name" });
  const buttons = panels.map((panel, i) => {
    panel.id = `${route.id}-panel${i}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `${route.id}-tab${i}`);
    panel.tabIndex = 0;
    panel.querySelector("h4").hidden = true;
    return make("button", { type: "button", class: "quiet", role: "tab", id: `${route.id}-tab${i}`, "aria-controls": panel.id }, panel.dataset.tab);
  });
  const choose = (chosen) => buttons.forEach((button, i) => {
    button.setAttribute("aria-selected", String(i === chosen));
    button.tabIndex = i === chosen ? 0 : -1;
    panels[i].hidden = i !== chosen;
  });
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  });
  buttons.forEach((button, i) => button.addEventListener("click", () => choose(i)));
  list.append(...buttons);
  tabs.prepend(list);
  choose(0);
}

const dialog = document.getElementById("confirm");
let decide = () => {};
const confirmed = (question) => new Promise((resolve) => {
  decide = (answer) => { resolve(answer); dialog.close(); };
  dialog.querySelector("p").textContent = question;
  dialog.showModal();
});
dialog.querySelector(".yes").addEventListener("click", () => decide(true));
dialog.querySelector(".no").addEventListener("click", () => decide(false));
dialog.addEventListener("cancel", () => decide(false));

// request is what the form says. The address is relative to the page's own, so it is
// right below every base path, and behind whatever a proxy puts before that.
const request = (form) => {
  const headers = new Headers({ Accept: "application/json, */*;q=0.8" });
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const { name, value, dataset } of form.querySelectorAll("input")) {
    if (dataset.in === "path") path = path.replace(`{${name}}`, name === "path" ? encodeURI(value) : encodeURIComponent(value));
    else if (value !== "" && dataset.in === "query") query.append(name, value);
    else if (value !== "") headers.set(name, value);
  }
  const url = new URL("." + path, location.href);
  url.search = query;
  url.hash = "";
  const init = { method: form.dataset.method, headers, redirect: "manual", cache: "no-store", credentials: "same-origin" };
  if (document.getElementById("as-token").checked) {
    headers.set("Authorization", "Bearer " + pasted());
    init.credentials = "omit";
  }
  const media = form.querySelector("select");
  if (media?.value) {
    headers.set("Content-Type", media.value);
    init.body = form.querySelector("textarea").value;
  }
  return [url, init];
};

// read shows the body as it comes, for a stream does not end.
const read = async (response, into) => {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    into.textContent = text.slice(0, enough);
    if (text.length > enough) {
      into.append("\n… and more");
      return reader.cancel();
    }
  }
  if (/json/.test(response.headers.get("Content-Type") ?? "")) {
    try { into.textContent = JSON.stringify(JSON.parse(text), null, 2); } catch { /* it stays as it came */ }
  }
};

for (const form of document.querySelectorAll(".try")) {
  const part = (name) => form.querySelector("." + name);
  const media = form.querySelector("select");
  const fill = () => { form.querySelector("textarea").value = media.selectedOptions[0].dataset.sample; };
  media?.addEventListener("change", fill);
  if (media) fill();
  form.hidden = false;

  let ask;
  part("stop").addEventListener("click", () => ask.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (document.getElementById("as-token").checked && !pasted()) {
      part("came").hidden = true;
      part("status").textContent = "Nothing was sent: paste a token first, at the top of this page.";
      return;
    }
    if (form.dataset.confirm && !await confirmed(form.dataset.confirm)) return;
    ask?.abort();
    const own = ask = new AbortController();
    part("came").hidden = true;
    part("headers").textContent = part("body").textContent = "";
    part("status").textContent = "Asking…";
    try {
      const [url, init] = request(form);
      const response = await fetch(url, { ...init, signal: own.signal });
      if (response.type === "opaqueredirect") {
        part("status").textContent = "A redirect, status 303. Browsers do not tell a page where it leads.";
        return;
      }
      part("stop").hidden = false;
      part("came").hidden = false;
      part("headers").textContent = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      part("status").textContent = `${response.status} ${response.statusText}`.trim() + ` from ${url.pathname}${url.search}`;
      await read(response, part("body"));
    } catch (failure) {
      if (own !== ask) return; // it was asked again meanwhile
      if (own.signal.aborted) part("status").textContent += ", stopped";
      else part("status").textContent = `Nothing came: ${failure.message}`;
    } finally {
      if (own === ask) part("stop").hidden = true;
    }
  });
}
