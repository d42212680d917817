// The identity provider of the tests: a certified implementation with people of our own, on
// loopback. The tests steer it under /control: who there is, new keys, and being away.
//
//   node idp.mjs FOLDER-OF-THE-MODULES '{"port": 1, "web": {...}, "api": "urn:…"}'
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [folder, given] = process.argv.slice(2);
const options = JSON.parse(given);
const issuer = `http://127.0.0.1:${options.port}`;
const modules = `${folder}/node_modules/oidc-provider/lib/index.js`;
const { Provider, errors } = await import(pathToFileURL(modules).href);

const OWN = ['urn:test:roles', 'urn:test:hospital', 'permissions'];
const STANDARD = ['name', 'email', 'email_verified'];

// Who there is, by subject. Tests put other people in: POST /control/people.
let people = {};
// Whether it answers nobody: POST /control/away.
let isAway = false;
let keysRead = 0;
let keys = [newKey()];
let provider = build();

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(6).toString('hex');
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
}

function own(person, names) {
  return Object.fromEntries(names.filter((n) => n in person).map((n) => [n, person[n]]));
}

function build() {
  const made = new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: ['a key for cookies of tests'] },
    clients: [
      { ...options.web, grant_types: ['authorization_code'], response_types: ['code'] },
      {
        client_id: 'program',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1:9/program'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    // Scopes give these claims; profile and email are told at the userinfo endpoint alone.
    claims: { openid: ['sub', ...OWN], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: options.conforms ?? false,
    extraParams: ['audience'],
    extraTokenClaims: (_ctx, token) => own(people[token.accountId] ?? {}, OWN),
    findAccount: (_ctx, id) => {
      const person = people[id];
      if (!person) return undefined;
      const claims = () => ({ sub: id, ...own(person, [...STANDARD, ...OWN]) });
      return { accountId: id, claims };
    },
    // Nobody is asked for consent: the application is the organisation's own.
    loadExistingGrant: async (ctx) => {
      const { client, session, params } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({
        clientId: client.clientId,
        accountId: session.accountId,
      });
      grant.addOIDCScope('openid profile email');
      if (params.audience) grant.addResourceScope(params.audience, '');
      await grant.save();
      return grant;
    },
    interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true, logoutSource: askToLeave },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => ctx.oidc.params?.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, audience) => {
          if (![options.api, 'urn:test:another-api'].includes(audience)) {
            throw new errors.InvalidTarget();
          }
          const jwt = { sign: { alg: 'RS256' } };
          return { scope: '', audience, accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt };
        },
      },
    },
    pkce: { required: () => true },
  });
  made.use(signInPage);
  return made;
}

function askToLeave(ctx, form) {
  ctx.body = html('Sign out', `${form}<button form="op.logoutForm" name="logout" value="yes"
    autofocus>Sign out of everything</button>`);
}

function html(title, body) {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;
}

function signInForm(trouble) {
  return html('Provider', `<p role="alert">${trouble}</p><form method="post">
    <label>Name <input name="login"></label>
    <label>Secret <input name="secret" type="password"></label>
    <button name="answer" value="yes">Continue</button>
    <button name="answer" value="no">Cancel</button></form>`);
}

async function signInPage(ctx, next) {
  if (!ctx.path.startsWith('/sign-in/')) return next();
  let trouble = '';
  if (ctx.method === 'POST') {
    const form = new URLSearchParams(await read(ctx.req));
    const found = Object.entries(people).find(([, one]) => one.email === form.get('login'));
    if (form.get('answer') === 'no') return finish(ctx, { error: 'access_denied' });
    if (found && found[1].secret === form.get('secret')) {
      return finish(ctx, { login: { accountId: found[0] } });
    }
    trouble = 'Wrong name or secret';
  }
  ctx.type = 'html';
  ctx.body = signInForm(trouble);
  return undefined;
}

async function finish(ctx, result) {
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
}

async function read(stream) {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
}

const steering = {
  people: (body) => { people = { ...people, ...body }; },
  forget: () => { people = {}; },
  away: (body) => { isAway = body.away; },
  // A new key signs from now on; the old one is announced for as long as `keep` says.
  rotate: (body) => {
    keys = [newKey(), ...(body.keep ? keys : [])];
    provider = build();
  },
  keys: () => keys,
  counts: () => ({ keysRead }),
};

const server = createServer(async (request, response) => {
  if (request.url.startsWith('/control/')) {
    const text = await read(request);
    const done = steering[request.url.slice('/control/'.length)](text ? JSON.parse(text) : {});
    response.end(JSON.stringify(done ?? {}));
    return;
  }
  if (isAway) {
    request.socket.destroy();
    return;
  }
  if (request.url === '/jwks') keysRead += 1;
  provider.callback()(request, response);
});
server.listen(options.port, '127.0.0.1', () => console.log('ready'));
