// A certified OpenID provider (oidc-provider) for the tests: node provider.mjs PORT ORIGIN-OF-THE-NODE. It signs tokens for programs by ES256 and for people by RS256, asks for PKCE, and has
// forms of its own on which anybody logs in under any name. Who is called ALICE-... is a treasurer.

import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, origin] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const key = (kid, alg, kind, options) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});

const roles = (name) => (name.startsWith('ALICE') ? ['people', 'treasury'] : ['people']);

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'qenex-console', token_endpoint_auth_method: 'none', redirect_uris: [`${origin}/api/v1/login/callback`],
      response_types: ['code'], grant_types: ['authorization_code'], id_token_signed_response_alg: 'RS256',
    },
    { client_id: 'payments', client_secret: 'of-the-payments', redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
  ],
  jwks: { keys: [key('people', 'RS256', 'rsa', { modulusLength: 2048 }), key('programs', 'ES256', 'ec', { namedCurve: 'P-256' })] },
  cookies: { keys: ['of-the-tests'] },
  pkce: { required: () => true },
  claims: { openid: ['sub', 'roles'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, roles: roles(id) }) }),
  extraTokenClaims: (_, token) => ({ roles: token.clientId === 'payments' ? ['payments'] : [] }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:qenex',
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'api', audience: 'qenex', accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

provider.listen(Number(port), '127.0.0.1', () => console.log(issuer));
