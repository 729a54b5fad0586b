import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it, onTestFinished } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { enablePlugin, type KongMode } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { httpsServer, testAuthority, type Handle } from '../support/https-server';
import { leafOf, servedLeaf } from '../support/tls';
import { StandInVault } from '../support/vault';
import { standIn } from './stand-in';

const issuer = Authority.root().intermediate();
/** The smaller its age, the newer. */
const leaf = (name: string, ageMinutes: number) =>
  issuer.issue({ names: [name], notBefore: new Date(Date.now() - ageMinutes * 60_000) });

const SECRETS = { http: 's3cret-http-token', url: 's3cret-in-the-url', id: 's3cret-secret-id' };
const IN_VAULT = 'vault.example.test';
const AT_URL = 'url.example.test';

/** A Vault and an HTTP server, each with a CA of its own, and a Kong whose plugin follows both. */
async function following(mode: KongMode) {
  const { authority, caFile } = testAuthority();
  const identity = authority.issue({ names: ['127.0.0.1'] });
  const vault = await StandInVault.start({ identity });
  vault.logins.set(`approle kong ${SECRETS.id}`, {
    may: { 'secret/': ['read', 'list'] },
    ttl: 60,
    renewable: true,
  });
  const served = { text: '', status: 200 };
  const handle: Handle = ({ headers, path }, response) => {
    const isKnown = headers.authorization === `Bearer ${SECRETS.http}` && path.endsWith(SECRETS.url);
    const status = isKnown ? served.status : 401;
    // A careless server quotes the request in its errors.
    const body = status === 200 ? served.text : `${headers.authorization ?? ''} ${path}`;
    response.writeHead(status, { etag: `"${body.length}-${leafLike(body)}"` }).end(body);
  };
  const files = await httpsServer({ identity }, handle);
  const put = {
    vault: (pair: ReturnType<typeof leaf>) =>
      vault.put('secret/certs/www', {
        certificate: pair.cert,
        private_key: pair.key,
        ca_chain: [issuer.cert],
      }),
    http: (pair: ReturnType<typeof leaf>) => {
      served.text = pair.chain + pair.key;
    },
  };
  const folder = testFolder();
  const secretId = join(folder, 'secret-id');
  writeFileSync(secretId, `${SECRETS.id}\n`);
  const token = join(folder, 'token');
  writeFileSync(token, `${SECRETS.http}\n`);
  const config = {
    interval: 1,
    sources: [
      {
        type: 'vault',
        url: vault.url,
        ca_file: caFile,
        secret_path: 'certs/',
        role_id: 'kong',
        secret_id_file: secretId,
      },
      { type: 'http', url: `${files.url}/www.pem?sig=${SECRETS.url}`, ca_file: caFile, token_file: token },
    ],
  };
  const start = async () => {
    const plugins = [{ name: 'ssl-cert-reloader', config }];
    const declarativeConfig = dump({ _format_version: '3.0', plugins });
    const kong = await standIn(mode === 'dbless' ? { mode, declarativeConfig } : { mode });
    onTestFinished(() => kong.stop());
    if (mode === 'database') await enablePlugin(kong, config);
    const serves = (name: string, pair: ReturnType<typeof leaf>) =>
      eventually(
        `${name} is served`,
        async () => (await servedLeaf(kong.tlsPort, name)) === leafOf(pair.cert),
      );
    return { kong, serves };
  };
  return { vault, served, put, start };
}

const leafLike = (body: string) => body.slice(100, 120).replace(/[^\w]/g, '');

it.for(['dbless', 'database'] as const)(
  'a renewal in Vault and one behind a URL are served; who is down takes nothing away, and no secret is said (%s)',
  async (mode) => {
    const { vault, served, put, start } = await following(mode);
    const before = { vault: leaf(IN_VAULT, 60), http: leaf(AT_URL, 60) };
    put.vault(before.vault);
    put.http(before.http);
    const { kong, serves } = await start();
    await serves(IN_VAULT, before.vault);
    await serves(AT_URL, before.http);

    const renewed = { vault: leaf(IN_VAULT, 30), http: leaf(AT_URL, 30) };
    put.vault(renewed.vault);
    put.http(renewed.http);
    await serves(IN_VAULT, renewed.vault);
    await serves(AT_URL, renewed.http);

    vault.outage = [503, { errors: [`Vault is sealed ${SECRETS.id}`] }];
    const last = leaf(AT_URL, 10);
    put.http(last);
    await serves(AT_URL, last);
    await serves(IN_VAULT, renewed.vault);
    served.status = 403;
    const reports = () =>
      kong.log().filter(({ message }) => message === 'a source cannot be read completely');
    const sentences = await eventually('both are reported', () => {
      const said = reports().map(({ detail }) => String(detail));
      return said.some((one) => one.includes('403')) && said.some((one) => one.includes('503')) ? said : null;
    });
    expect(sentences.join('\n')).toContain('it is sealed: unseal it');
    await serves(IN_VAULT, renewed.vault);
    await serves(AT_URL, last);

    // Each trouble is one line, however many polls it lasts.
    const asked = vault.seen.length;
    await eventually('a few more polls', () => vault.seen.length > asked + 2);
    expect(reports()).toHaveLength(2);
    for (const secret of [...Object.values(SECRETS), 'hvs.']) expect(kong.output()).not.toContain(secret);
  },
);
