// A certified provider on the loopback, as its documentation sets it up, with one client.
// PORT, CLIENT_SECRET and REDIRECT_URIS (separated by spaces) are in the environment.

import Provider from "oidc-provider";

const { PORT, CLIENT_SECRET, REDIRECT_URIS } = process.env;

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [{
    client_id: "public-vote",
    client_secret: CLIENT_SECRET,
    redirect_uris: REDIRECT_URIS.split(" "),
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
  }],
  pkce: { required: () => true },
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
