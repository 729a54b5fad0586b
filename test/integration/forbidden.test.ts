import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { startGateway, type Fault } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { eventsOf } from '../support/stages';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'www.example.test';
const renewed = (age: number) => issue({ names: [HOST], notBefore: new Date(Date.now() - age * 60_000) });

/** Answers that refuse whoever asks, not what is written. */
const REFUSALS: [string, Partial<Fault>][] = [
  ['401', { status: 401, body: { message: 'Unauthorized' } }],
  ['403', { status: 403, body: { message: 'You do not have permissions to update this resource' } }],
  ['403 of a licence', { status: 403, body: { message: 'Enterprise license missing or expired' } }],
  ['405', { status: 405, body: { message: 'Method not allowed' } }],
  ['404 of a workspace', { status: 404, body: { message: "Workspace 'prod' not found" } }],
  ['302', { status: 302, headers: { location: 'https://login.example.test/' }, body: '' }],
];

describe.for(['database', 'dbless'] as const)('a write that is forbidden (%s)', (mode) => {
  it.for(REFUSALS)(
    'by %s is logged once, never held against the bundle, and made as soon as it is allowed',
    async ([, fault]) => {
      const gateway = await startGateway({ mode });
      onTestFinished(() => gateway.stop());
      const certs = testFolder();
      const kong = await connect({ prefix: gateway.prefix }, {});
      onTestFinished(() => kong.client.close());
      const runner = compose(completeConfig({ sources: [{ type: 'directory', path: certs }] }), kong);
      writePair(certs, 'www', renewed(60));
      await runner.pass('start');

      const next = renewed(30);
      writePair(certs, 'www', next);
      const method = mode === 'dbless' ? 'POST' : 'PATCH';
      const lift = gateway.inject({ method, times: Number.POSITIVE_INFINITY, ...fault });
      const first = await runner.pass('poll');
      expect(first).toMatchObject({ refused: 0, unfinished: 'failed' });
      expect(first.events.map(({ outcome }) => outcome)).toMatchObject([
        { kind: 'failed', failure: 'forbidden' },
      ]);
      expect(eventsOf(await runner.pass('retry'))).toEqual([]);
      const [id = ''] = runner.live().certificates.keys();
      expect(runner.live().failure(id, 'main')).toMatchObject({ failure: 'forbidden' });

      lift();
      expect(eventsOf(await runner.pass('retry'))).toEqual([expect.stringContaining('swapped (served)')]);
      expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
      expect(runner.live().failure(id, 'main')).toBeUndefined();
    },
  );
});
