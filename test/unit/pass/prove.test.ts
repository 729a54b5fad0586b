import { describe, expect, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import type { Change, ServedObservation } from '../../../src/model';
import { prove } from '../../../src/pass/prove';
import { toStored } from '../../../src/gateway/admin/entities';
import { HandshakeVerifier, Patrol } from '../../../src/verify';
import { eventually } from '../../support/eventually';
import { opened, raw } from '../../support/bundles';
import { tlsServer } from '../../support/tls-server';

const root = Authority.root();
const outer = root.intermediate('Outer');
const inner = outer.intermediate('Inner');
const issued = inner.issue({ names: ['www.example.test'] });

/** A Secret of the ingress controller's, which is written as it was found, on a server that sends just that. */
async function written(cert: string, sent = cert) {
  const { key } = issued;
  const server = await tlsServer(() => ({ ...issued, chain: sent }));
  const { bundle } = opened(raw({ cert, key }));
  const certificate = toStored({ id: 'K', cert, key, snis: ['www.example.test'] });
  const change: Change = {
    kind: 'update',
    bundle: { ...bundle, id: 'secret', create: false },
    certificate,
    half: 'main',
    isOfController: true,
    addSnis: [],
  };
  return { server, certificate, change, current: { cert, key } };
}

const orders: Record<string, readonly string[]> = {
  'in order': [issued.cert, inner.cert, outer.cert],
  'with the root': [issued.cert, inner.cert, outer.cert, root.cert],
  'with the root before the intermediates': [issued.cert, root.cert, outer.cert, inner.cert],
  'turned round behind the leaf': [issued.cert, outer.cert, inner.cert],
  'with an intermediate twice': [issued.cert, inner.cert, outer.cert, inner.cert],
};

describe('a chain that Kong stores and serves', () => {
  test.for(Object.entries(orders))('%s is proven', async ([, blocks]) => {
    const { server, certificate, change, current } = await written(blocks.join(''));
    const verifier = new HandshakeVerifier({
      listeners: () => [server],
      timeoutMs: 20_000,
      workers: () => 1,
    });
    const readOne = () => Promise.resolve(certificate);
    const [proof] = await prove(
      [{ kind: 'written', change, current, before: null, snis: certificate.snis }],
      verifier,
      { certificates: { readOne, stored: new Map() }, emptyCaches: () => Promise.resolve(false) },
    );
    expect(proof).toMatchObject({ verdict: 'served', detail: '' });
  });

  test.for(Object.entries(orders))('%s is seen by the patrol', async ([, blocks]) => {
    const { server, certificate } = await written(blocks.join(''));
    expect((await seenOf(server, certificate)).verdict).toBe('served');
  });
});

test.for(Object.entries(orders))(
  'a leaf without its chain, which is to be %s, is wrong',
  async ([, blocks]) => {
    const { server, certificate, change, current } = await written(blocks.join(''), issued.cert);
    const verifier = new HandshakeVerifier({
      listeners: () => [server],
      timeoutMs: 1_000,
      workers: () => 1,
    });
    const readOne = () => Promise.resolve(certificate);
    const [proof] = await prove(
      [{ kind: 'written', change, current, before: null, snis: certificate.snis }],
      verifier,
      { certificates: { readOne, stored: new Map() }, emptyCaches: () => Promise.resolve(false) },
    );
    expect(proof?.verdict).toBe('wrong');
    expect((await seenOf(server, certificate)).verdict).toBe('wrong');
  },
);

async function seenOf(
  server: { host: string; port: number },
  certificate: ReturnType<typeof toStored>,
): Promise<ServedObservation> {
  const found: ServedObservation[] = [];
  const patrol = new Patrol({
    listeners: () => [server],
    timeoutMs: 5_000,
    certificates: () => new Map([['K', certificate]]),
    seen: () => found[0],
    isStored: () => Promise.resolve(true),
    noteUnserved: () => false,
    note: (_certificate, _half, seen) => found.push(seen),
    done: () => undefined,
    isBusy: () => false,
  });
  patrol.go(false);
  const seen = await eventually('the patrol looks', () => found[0]);
  await patrol.stop();
  return seen;
}
