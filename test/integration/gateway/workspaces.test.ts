import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../src/app/connection';
import { startGateway } from '../../gateway';
import { testFolder } from '../../support/folders';
import { aged, creating, idOf, kindsOf, put, updating, write, writtenOf } from './harness';

const [A, B, C] = [idOf(1), idOf(2), idOf(3)];
const old = aged(30, 'a.test');
const renewed = aged(1, 'a.test');

/** A Kong with two workspaces: one stand-in for each, behind one address. */
async function workspaces() {
  const stands = {
    default: await startGateway({ mode: 'database' }),
    edge: await startGateway({ mode: 'database' }),
  };
  for (const stand of Object.values(stands)) onTestFinished(() => stand.stop());
  const front = http.createServer((request, response) => {
    const [, name = '', rest = ''] = /^\/(default|edge)(\/.*)$/.exec(request.url ?? '') ?? [];
    if (name === '' && request.url !== '/status') {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: `Workspace '${request.url?.split('/')[1] ?? ''}' not found` }));
      return;
    }
    const to = new URL(name === 'edge' ? stands.edge.adminUrl : stands.default.adminUrl);
    const { method, headers } = request;
    const path = rest === '' ? request.url : rest;
    const onward = http.request({ host: to.hostname, port: to.port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    front.closeAllConnections();
    front.close();
  });
  await put(stands.default.adminUrl, 'database', [{ id: A, issued: old, snis: ['a.test'] }]);
  await put(stands.edge.adminUrl, 'database', [{ id: B, issued: old, snis: ['b.test'] }]);
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const open = async (names: string[]) => {
    const kong = await connect({ prefix: testFolder() }, { url, workspaces: names });
    onTestFinished(() => kong.client.close());
    return kong.gateway;
  };
  return { stands, open };
}

it('certificates of several workspaces are seen as one, and each is written where it is', async () => {
  const { stands, open } = await workspaces();
  const gateway = await open(['default', 'edge']);
  expect(await gateway.certificates.refresh()).toBe(true);
  expect([...gateway.certificates.stored.keys()].sort()).toEqual([A, B]);
  expect(gateway.certificates.stored.size).toBe(2);
  const stored = (id: string) => gateway.certificates.stored.get(id)!;
  const before = [stands.default, stands.edge].map((stand) => stand.certificates().map(({ cert }) => cert));
  const results = await write(gateway, [
    [updating(stored(A), renewed), renewed],
    [updating(stored(B), renewed), renewed],
    [creating(C, renewed, ['c.test']), renewed],
  ]);
  expect(kindsOf(results)).toEqual({ [A]: 'written', [B]: 'written', [C]: 'written' });
  expect(stands.default.certificates().map(({ id, cert }) => [id, cert])).toEqual([
    [A, renewed.chain],
    [C, renewed.chain],
  ]);
  expect(stands.edge.certificates().map(({ cert }) => cert)).toEqual([renewed.chain]);
  expect(await gateway.certificates.readOne(B)).toMatchObject({ id: B });
  const restored = await gateway.restore(writtenOf(results));
  expect(restored.map(({ kind }) => kind)).toEqual(['restored', 'restored', 'restored']);
  const after = [stands.default, stands.edge].map((stand) => stand.certificates().map(({ cert }) => cert));
  expect(after).toEqual(before);
  expect(await gateway.remove([A, B].map((id) => ({ id, snis: ['a.test', 'b.test'] })))).toEqual([]);
  expect(stands.edge.certificates()).toEqual([]);
});

it('a workspace that is not there is named, whether it is one of several or the only one', async () => {
  const { open } = await workspaces();
  for (const names of [['default', 'gone'], ['gone']]) {
    const gateway = await open(names);
    await expect(gateway.certificates.refresh()).rejects.toMatchObject({
      failureKind: 'forbidden',
      message: expect.stringMatching(/Workspace 'gone' not found.*admin\.workspaces/) as string,
    });
  }
});

it('a Kong without a database has none, and that is said', async () => {
  const stand = await startGateway({ mode: 'dbless' });
  onTestFinished(() => stand.stop());
  const connecting = connect({ prefix: stand.prefix }, { workspaces: ['edge'] });
  await expect(connecting).rejects.toThrow('admin.workspaces: a Kong without a database has no workspaces');
});
