// Verifies assertions with jose, and prints the address of whom each is about.
// Beside `npm install jose`:
//
//	node verify.mjs https://app.example.com/auth/.well-known/jwks.json sidegate app.example.com "$ASSERTION"
//
// What an app of yours needs is `keys`, kept, and `who`. Tokens of the same keys that
// are no assertions are refused by `typ`.
import { createRemoteJWKSet, jwtVerify } from "jose";

const [jwks, issuer, audience, ...assertions] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(jwks));

async function who(assertion) {
  const options = { issuer, audience, typ: "identity+jwt", algorithms: ["ES256", "EdDSA"], requiredClaims: ["exp", "sub"] };
  return (await jwtVerify(assertion, keys, options)).payload;
}

for (const assertion of assertions) console.log(await who(assertion).then((p) => p.email, (e) => `refused: ${e.code}`));
