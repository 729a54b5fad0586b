import { describe, expect, it, onTestFinished } from 'vitest';
import { AdminClient, DeclarativeGateway, type AdminResponse } from '../../../src/gateway';
import type { Fault } from '../../gateway';
import { secretsIn } from '../../support/bundles';
import { leafOf } from '../../support/tls';
import { aged, creating, idOf, kongWith, MODES, updating, write, writtenOf } from './harness';

const A = idOf(1);
const B = idOf(2);
const old = aged(30, 'a.test');
const renewed = aged(1, 'a.test');
const page = '<html><body><form>Sign in</form></body></html>';
const html = { 'content-type': 'text/html' };

/** Answers to a write, with their meaning and a part of the sentence. */
const ANSWERS: [string, Partial<Fault>, string, RegExp][] = [
  ['401', { status: 401, body: { message: 'Unauthorized' } }, 'failed forbidden', /admin\.token_file/],
  ['403', { status: 403, body: { message: 'no rights' } }, 'failed forbidden', /no rights.*may not do that/],
  [
    '403 for want of a licence',
    { status: 403, body: { message: 'Enterprise license missing or expired' } },
    'failed forbidden',
    /license missing.*without a licence Kong's Admin API is read-only/,
  ],
  ['405', { status: 405, body: { message: 'Method not allowed' } }, 'failed forbidden', /read-only/],
  [
    'a redirect to a login page',
    { status: 302, headers: { location: 'https://sso.test/login?state=s3cret' }, body: '' },
    'failed forbidden',
    /leads to sso\.test.*login/,
  ],
  ['a web page', { status: 200, headers: html, body: page }, 'failed forbidden', /web page or a login form/],
  [
    '404 of a workspace',
    { status: 404, body: { message: "Workspace 'edge' not found" } },
    'failed forbidden',
    /workspace/,
  ],
  ['404 of another program', { status: 404, headers: html, body: page }, 'failed forbidden', /address/],
  [
    '413',
    { status: 413, headers: html, body: page },
    'failed forbidden',
    /413|nginx_admin_client_max_body_size/,
  ],
  ['409', { status: 409, body: { message: 'conflict' } }, 'conflict', /conflict/],
  ['412', { status: 412, body: { message: 'precondition' } }, 'conflict', /precondition/],
  ['429', { status: 429, headers: { 'retry-after': '0' }, body: { message: 'busy' } }, 'conflict', /429/],
  ['500', { status: 500, body: { message: 'An unexpected error occurred' } }, 'failed away', /500/],
  ['503', { status: 503, headers: { 'retry-after': '0' }, body: 'no' }, 'failed away', /503/],
  ['no answer', { reset: true }, 'failed away', /does not answer/],
  [
    '400',
    { status: 400, body: { message: 'schema violation (cert: invalid)' } },
    'refused',
    /schema violation/,
  ],
];

describe.each(MODES)('a Kong that answers a write (%s)', (mode) => {
  it.for(ANSWERS)('with %s', { timeout: 30_000 }, async ([, fault, expected, sentence]) => {
    const kong = await kongWith(mode, [{ id: A, issued: old, snis: ['a.test'] }]);
    kong.stand.inject({
      ...{ method: mode === 'database' ? 'PATCH' : 'POST', times: Infinity, ...fault },
      path: mode === 'database' ? /^\/certificates/ : /^\/config/,
    });
    const [result] = await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]);
    if (result === undefined || result.kind === 'written' || result.kind === 'already') {
      throw new Error(`it ended as ${result?.kind ?? 'nothing'}`);
    }
    const kind = result.kind === 'failed' ? `failed ${result.failure}` : result.kind;
    const text = result.kind === 'refused' ? result.refusal.message : result.error.message;
    expect(kind).toBe(expected);
    expect(text).toMatch(sentence);
    for (const secret of [...secretsIn(renewed.key), 's3cret']) expect(text).not.toContain(secret);
    kong.stand.clearFaults();
    writtenOf(await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]));
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
  });

  it('with what it refuses of one does not hold up the others, and blames that one alone', async () => {
    const ids = Array.from({ length: 9 }, (_, index) => idOf(index + 1));
    const kong = await kongWith(
      mode,
      ids.slice(0, 8).map((id, index) => ({ id, issued: old, snis: [`${index}.test`] })),
    );
    // Its key does not belong to it: Kong minds, and names the entity.
    const broken = { ...renewed, key: old.key };
    const changes = ids.slice(0, 8).map((id, index) => {
      const issued = index === 3 ? broken : renewed;
      return [updating(kong.stored(id), renewed), issued] as const;
    });
    kong.stand.clearRequests();
    const results = await write(kong.gateway, [
      ...changes,
      [creating(ids[8] ?? '', renewed, ['not a host']), renewed],
    ]);
    const refused = results.flatMap((result) =>
      result.kind === 'refused' ? [[result.change.bundle.id, result.refusal.message] as const] : [],
    );
    expect(refused.map(([id]) => id).sort()).toEqual([ids[3], ids[8]].sort());
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(7);
    const messages = Object.fromEntries(refused);
    expect(messages[ids[3] ?? '']).toContain('does not match key');
    expect(messages[ids[8] ?? '']).toContain('not a host');
    if (mode === 'dbless') expect(kong.writes()).toBeLessThanOrEqual(3);
  });

  it('of many with one that cannot be fetched writes the others', async () => {
    const kong = await kongWith(mode, [
      { id: A, issued: old, snis: ['a.test'] },
      { id: B, issued: old, snis: ['b.test'] },
    ]);
    const changes = [updating(kong.stored(A), renewed), updating(kong.stored(B), renewed)];
    const { certificates } = await kong.gateway.write(
      { certificates: changes, caCertificates: [] },
      (change) =>
        change === changes[0]
          ? Promise.reject(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }))
          : Promise.resolve({ cert: renewed.chain, key: renewed.key }),
    );
    expect(
      certificates.map((result) => (result.kind === 'failed' ? result.failure : result.kind)).sort(),
    ).toEqual(['away', 'written']);
  });
});

/** A client of a Kong that does not say which entity it refuses. */
class Mute extends AdminClient {
  override async request(...args: Parameters<AdminClient['request']>): Promise<AdminResponse> {
    const answer = await super.request(...args);
    const { status, headers } = answer;
    const body = { message: 'declarative config is invalid' };
    return status === 400 ? { status, headers, body, bytes: Buffer.from(JSON.stringify(body)) } : answer;
  }
}

it('a Kong without a database that does not name what it refuses is asked with halves, and nobody else is blamed', async () => {
  const ids = Array.from({ length: 8 }, (_, index) => idOf(index + 1));
  const seeds = ids.map((id, index) => ({ id, issued: old, snis: [`${index}.test`] }));
  const kong = await kongWith('dbless', seeds);
  const client = new Mute({ url: kong.stand.adminUrl });
  onTestFinished(() => client.close());
  const broken = { ...renewed, key: old.key };
  const changes = ids.map((id, index) => {
    const issued = index === 5 ? broken : renewed;
    return [updating(kong.stored(id), renewed), issued] as const;
  });
  const results = await write(new DeclarativeGateway(client), changes);
  const refused = results.filter(({ kind }) => kind === 'refused');
  expect(refused.map(({ change }) => change.bundle.id)).toEqual([ids[5]]);
  expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(7);
  // Halves, quarters, and the rest: two for each time that the number is halved, and the first.
  expect(kong.writes()).toBeLessThanOrEqual(7);
});
