# Verifies assertions with PyJWT, and prints the address of whom each is about.
# Beside python3-jwt and python3-cryptography of Debian, or PyJWT[crypto] of PyPI:
#
#	python3 verify.py https://app.example.com/auth/.well-known/jwks.json sidegate app.example.com "$ASSERTION"
#
# What an app of yours needs is `keys`, kept, and `who`. Tokens of the same keys that
# are no assertions are refused by `typ`.
import sys

import jwt

jwks, issuer, audience, *assertions = sys.argv[1:]
keys = jwt.PyJWKClient(jwks)


def who(assertion):
    if jwt.get_unverified_header(assertion).get("typ") != "identity+jwt":
        raise jwt.InvalidTokenError("it is another kind of token")
    key = keys.get_signing_key_from_jwt(assertion).key
    return jwt.decode(assertion, key, algorithms=["ES256", "EdDSA"], issuer=issuer, audience=audience,
                      options={"require": ["iss", "aud", "exp", "sub"]})


for assertion in assertions:
    try:
        print(who(assertion)["email"])
    except jwt.PyJWTError as error:
        print("refused:", type(error).__name__)
