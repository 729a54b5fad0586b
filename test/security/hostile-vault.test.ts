import { expect, it } from 'vitest';
import { issue } from '../support/bundles';
import { httpServer } from '../support/https-server';
import { readerOf, troubles } from '../support/remote-source';

const { chain, key } = issue();
const GOOD = JSON.stringify({ 'tls.crt': chain, 'tls.key': key });
/** Deeper than a function that calls itself may go. */
const NESTED = `{"tls.crt":${'['.repeat(200_000)}"x"${']'.repeat(200_000)},"tls.key":"x"}`;

/** A Vault of KV version 1 that answers what it is told to. */
async function vault(answer: (path: string) => [status: number, text: string]) {
  const server = await httpServer(({ path }, response) => {
    const [status, text] = answer(decodeURIComponent(path.replace('/v1/', '')));
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  });
  const config = { type: 'vault', url: server.url, token: 'hvs.token', kv_version: 1, mount: 'kv' };
  return { server, reader: readerOf({ ...config, secret_path: 'certs/' }) };
}

const keys = (...list: string[]): [number, string] => [200, JSON.stringify({ data: { keys: list } })];
const data = (text: string): [number, string] => [200, `{"data":${text}}`];

it('a secret whose value is nested without end costs no other secret of the folder', async () => {
  const { reader } = await vault((path) =>
    path.includes('list=true')
      ? keys('bad', 'good')
      : path === 'kv/certs/bad'
        ? data(NESTED)
        : path === 'kv/certs/good'
          ? data(GOOD)
          : [404, '{"errors":[]}'],
  );
  const scan = await reader.pass();
  expect(scan.changed).toEqual(['certs/good']);
  expect(troubles(scan)).toContain('Vault secret kv/certs/bad');
});

it('a message of megabytes is not searched for as long as it likes', async () => {
  // The pattern that it is searched for begins with `role ` and goes on with anything.
  const { reader } = await vault(() => [400, JSON.stringify({ errors: ['role '.repeat(750_000)] })]);
  const before = process.cpuUsage();
  await reader.pass();
  const { user } = process.cpuUsage(before);
  // It took minutes.
  expect(user / 1e6).toBeLessThan(10);
});

it('folders without end are given up, and said', async () => {
  let asked = 0;
  const { reader } = await vault((path) => {
    if (!path.includes('list=true')) return [404, '{"errors":[]}'];
    asked += 1;
    return keys(...Array.from({ length: 100 }, (_, at) => `${at}/`));
  });
  expect(troubles(await reader.pass())).toContain('holds more than 2000 folders');
  expect(asked).toBeLessThan(100);
});

it('a name in a list leads nowhere else', async () => {
  const asked: string[] = [];
  const { reader } = await vault((path) => {
    asked.push(path);
    return path.includes('list=true') ? keys('..', '../', '.', '', 'a/../../sys/x', '../other') : [404, '{}'];
  });
  await reader.pass();
  expect(asked.filter((path) => path.includes('..'))).toEqual([]);
});

it('a token that is said to live for ever and longer ends nothing', async () => {
  const server = await httpServer(({ path }, response) => {
    response.setHeader('content-type', 'application/json');
    if (path.endsWith('/login'))
      response.end('{"auth":{"client_token":"hvs.x","lease_duration":1e300,"renewable":true}}');
    else response.writeHead(404).end('{"errors":[]}');
  });
  const config = { type: 'vault', url: server.url, role_id: 'r', secret_id: 's-e-c-r-e-t', kv_version: 1 };
  expect(troubles(await readerOf({ ...config, secret_path: 'a' }).pass())).toContain('does not exist (yet)');
});
