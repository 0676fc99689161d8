// What `npm pack` makes of ./npm, installed as an app does.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const app = join(here, "app");
const run = (name, ...args) => {
  try {
    return execFileSync(name, args, { cwd: app, encoding: "utf8", stdio: "pipe" });
  } catch ({ stdout, stderr }) {
    throw new Error(`${name} ${args.join(" ")}\n${stdout}${stderr}`);
  }
};
const bundle = (text, options) => {
  writeFileSync(join(app, "main.js"), text);
  const { outputFiles, warnings } = buildSync({
    entryPoints: [join(app, "main.js")], bundle: true, write: false, format: "esm", logLevel: "silent", absWorkingDir: app, ...options,
  });
  assert.deepEqual(warnings, []);
  return outputFiles[0].text;
};

test("the package", async (t) => {
  mkdirSync(app);
  const [{ filename, files }] = JSON.parse(run("npm", "pack", "--json", "--silent", join(here, "npm")));
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", "install", "--offline", "--omit=peer", "--no-audit", "--no-fund", join(app, filename));

  await t.test("holds the client, its types, and nothing else", () => {
    assert.deepEqual(files.map(({ path }) => path).sort(), [
      "client.d.ts", "client.js", "mock.d.ts", "mock.js", "openapi.d.ts", "package.json", "package/index.js", "package/react.js",
      "react.d.ts", "react.js",
    ]);
  });
  await t.test("is bundled, and asks the gateway below /auth", () => {
    const program = bundle(`
      import { getSession, hasRole } from "sidegate-client";
      console.log((await getSession()).createdAt.getUTCFullYear(), hasRole("admin"));`);
    writeFileSync(join(app, "bundle.mjs"), `
      globalThis.location = new URL("https://app.example.com/assets/index.html");
      globalThis.fetch = async (address) => {
        console.log(address);
        return Response.json({ id: 1, email: "ada@example.com", token: "", createdAt: "2026-01-05T09:00:00Z", flatRolesList: ["admin"] });
      };
      ${program}`);
    assert.equal(run("node", "bundle.mjs"), "/auth/session\n2026 true\n");
  });
  await t.test("leaves out of a bundle what is not used", () => {
    assert.ok(!bundle(`import { useSession } from "sidegate-client/react"; console.log(useSession);`, { external: ["react"] }).includes("ada@example.com"));
    assert.ok(!bundle(`import { createMockSession } from "sidegate-client/mock"; console.log(createMockSession());`).includes("BroadcastChannel"));
  });
  await t.test("has for React the client of the page", () => {
    const text = bundle(`import { useSession } from "sidegate-client/react"; console.log(useSession());`, { external: ["react"] });
    assert.match(text, /base: "\/auth"/);
  });
  for (const [what, module, resolution] of [["for bundlers", "esnext", "bundler"], ["as node resolves them", "nodenext", "nodenext"]]) {
    await t.test(`has types that a strict compiler takes, ${what}`, () => {
      cpSync(join(here, "example.tsx"), join(app, "example.tsx"));
      run(join(here, "node_modules/.bin/tsc"), "--strict", "--noEmit", "--exactOptionalPropertyTypes", "--jsx", "react-jsx", "--target", "es2022",
        "--lib", "es2022,dom", "--module", module, "--moduleResolution", resolution, "example.tsx");
    });
  }
  await t.test("is of the gateway's version", () => {
    const { version } = JSON.parse(readFileSync(join(app, "node_modules/sidegate-client/package.json"), "utf8"));
    assert.match(readFileSync(join(here, "version.go"), "utf8"), new RegExp(`const Version = "v${version.replaceAll(".", "\\.")}"`));
  });
});
