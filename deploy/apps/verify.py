# Verifies assertions with PyJWT, and prints the address of whom each is about.
# Beside python3-jwt and python3-cryptography of Debian, or PyJWT[crypto] of PyPI:
#
#	python3 verify.py https://app.example.com/auth/.well-known/jwks.json sidegate app.example.com "$ASSERTION"
#
# What an app of yours needs is `NoKeys`, `Keys`, `keys`, kept, and `who`. Tokens of the same keys that
# are no assertions are refused by `typ`. Where the keys cannot be fetched nothing is
# known of an assertion: answer 503 then, and not 401, which is for what is refused.
import sys

import jwt

jwks, issuer, audience, *assertions = sys.argv[1:]


class NoKeys(Exception):
    """There are no keys to verify assertions with."""


class Keys(jwt.PyJWKClient):
    def fetch_data(self):
        try:
            found = super().fetch_data()
            jwt.PyJWKSet.from_dict(found)
            return found
        except Exception as error:  # of the network, of HTTP, or of what came
            raise NoKeys(error) from error


keys = Keys(jwks)


def who(assertion):
    if jwt.get_unverified_header(assertion).get("typ") != "identity+jwt":
        raise jwt.InvalidTokenError("it is another kind of token")
    key = keys.get_signing_key_from_jwt(assertion).key
    return jwt.decode(assertion, key, algorithms=["ES256", "EdDSA"], issuer=issuer, audience=audience,
                      options={"require": ["iss", "aud", "exp", "sub"]})


for assertion in assertions:
    try:
        print(who(assertion)["email"])
    except NoKeys as error:
        print("cannot tell: no keys:", error)
    except jwt.PyJWTError as error:
        print("refused:", type(error).__name__)
