// An OpenID provider over TLS that issues access tokens for client credentials, and renews its keys when it is told to.
//
//     node oidc_provider.mjs FOLDER PORT CERTIFICATE KEY AUDIENCE SCOPE
//
// FOLDER holds node_modules. Each line `rotate` on standard input makes it sign with a new key; the one before stays
// published. It prints a line when it is ready, and after each renewal.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, port, certificate, key, audience, scope] = process.argv.slice(2);
const module = pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`);
const { default: Provider } = await import(module);

const keys = [];
let provider;

function renew() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  keys.unshift({ ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "RS256", use: "sig" });
  keys.splice(2);
  provider = new Provider(`https://127.0.0.1:${port}`, {
    jwks: { keys },
    scopes: scope.split(" "),
    clients: [
      {
        client_id: "shop",
        client_secret: "a-secret-of-the-tests",
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:default",
        getResourceServerInfo: () => ({
          scope,
          audience,
          accessTokenTTL: 300,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
}

renew();
const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => provider.callback()(request, response),
);
server.listen(Number(port), "127.0.0.1", () => console.log("provider: ready"));
createInterface({ input: process.stdin }).on("line", () => {
  renew();
  console.log(`provider: signs with ${keys[0].kid}`);
});
