// Verifies assertions with jose, and prints the address of whom each is about.
// Beside `npm install jose`:
//
//	node verify.mjs https://app.example.com/auth/.well-known/jwks.json sidegate app.example.com "$ASSERTION"
//
// What an app of yours needs is `keys`, kept, `who` and `noKeys`. Tokens of the same keys that
// are no assertions are refused by `typ`. Where the keys cannot be fetched nothing is
// known of an assertion: answer 503 then, and not 401, which is for what is refused.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const [jwks, issuer, audience, ...assertions] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(jwks));

async function who(assertion) {
  const options = { issuer, audience, typ: "identity+jwt", algorithms: ["ES256", "EdDSA"], requiredClaims: ["exp", "sub"] };
  return (await jwtVerify(assertion, keys, options)).payload;
}

// An error of the network has no class of jose's; what is answered is no set of keys, or
// comes too late.
const noKeys = (e) => !(e instanceof errors.JOSEError) || ["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID"].includes(e.code);
const told = (e) => (noKeys(e) ? `cannot tell: no keys: ${e.message}` : `refused: ${e.code}`);

for (const assertion of assertions) console.log(await who(assertion).then((p) => p.email, told));
