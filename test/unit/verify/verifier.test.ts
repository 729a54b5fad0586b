import { connect } from 'node:net';
import { describe, expect, it, test } from 'vitest';
import type { Issued } from '../../../src/authority/authority';
import type { Expectation } from '../../../src/model';
import { HandshakeVerifier } from '../../../src/verify';
import { issue, opened, rawOf } from '../../support/bundles';
import {
  behindProxyProtocol,
  closedPort,
  tcpServer,
  tlsServer,
  type Listening,
} from '../../support/tls-server';
import { leafOf } from '../../support/tls';

const old = issue();
const fresh = issue();
const printOf = ({ cert }: Issued) => leafOf(cert);

const expecting = (issued: Issued, more: Partial<Expectation> = {}): Expectation => ({
  snis: ['www.example.test'],
  chains: [opened(rawOf(issued)).bundle.chain],
  isStored: () => Promise.resolve(true),
  ...more,
});

/** Milliseconds: enough for a handshake on a loaded machine, and what a test waits for one that is never right. */
const SHORT = 1_500;

interface Options {
  timeoutMs?: number;
  workers?: number;
}

async function prove(listeners: readonly Listening[], expected: Expectation, options: Options = {}) {
  const { timeoutMs = 20_000, workers = 2 } = options;
  const verifier = new HandshakeVerifier({ listeners: () => listeners, timeoutMs, workers: () => workers });
  const [proof] = await verifier.prove([expected]);
  if (proof === undefined) throw new Error('no proof');
  return proof;
}

/** Takes RSA alone, and has a certificate of another kind: no client gets anything. */
const refusingServer = () =>
  tlsServer(() => fresh, { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' });

/** Serves one certificate after the other, the last one for ever. */
async function servingInTurn(...turns: Issued[]) {
  let turn = 0;
  return tlsServer(
    (name) => (name === null ? turns[0] : turns[Math.min(turn++, turns.length - 1)]) as Issued,
  );
}

describe('a certificate is proven', () => {
  it('by two handshakes for each worker, for a worker cannot be chosen', async () => {
    const server = await servingInTurn(fresh);
    const proof = await prove([server], expecting(fresh), { workers: 3 });
    expect(proof).toMatchObject({
      verdict: 'served',
      servedFingerprint: printOf(fresh),
      handshakes: 6,
      detail: '',
    });
  });

  it.for([
    ['serves the former one', () => servingInTurn(old)],
    ['refuses', refusingServer],
  ] as const)('by a handshake after the time limit where a Kong that %s is well again', async ([, start]) => {
    const [ill, well] = [await start(), await servingInTurn(fresh)];
    let isWell = false;
    const server = await tcpServer((socket) => {
      const { port, host } = isWell ? well : ill;
      const to = connect(port, host);
      to.on('error', () => undefined);
      socket.pipe(to).pipe(socket);
    });
    // Its database comes back between the handshake and the question.
    const isStored = () => Promise.resolve((isWell = true));
    const proof = await prove([server], expecting(fresh, { isStored }), { timeoutMs: SHORT });
    expect(proof.verdict).toBe('served');
  });

  it('only once all of several differing answers agree', async () => {
    const server = await servingInTurn(fresh, old, fresh, fresh, old, fresh, fresh, fresh, old, fresh);
    const proof = await prove([server], expecting(fresh));
    expect(proof.verdict).toBe('served');
    // Nine until the last old one, then four in a row.
    expect(proof.handshakes).toBe(13);
  });

  it('for every one of its SNIs, wildcards by a name that they cover', async () => {
    const server = await servingInTurn(fresh);
    const snis = ['a.test', '*.b.test', 'c.test', 'd.test', 'e.test', 'f.test'];
    expect((await prove([server], expecting(fresh, { snis }), { workers: 1 })).verdict).toBe('served');
    expect([...server.asked].sort()).toEqual(
      [...snis.filter((sni) => !sni.startsWith('*')), 'ssl-cert-reloader-probe.b.test'].sort(),
    );
  });

  it('on every listener', async () => {
    const servers = [await servingInTurn(fresh), await servingInTurn(old, old, fresh)];
    expect((await prove(servers, expecting(fresh))).verdict).toBe('served');
    for (const { asked } of servers) expect(asked.length).toBeGreaterThanOrEqual(2);
  });

  it('on a listener with proxy_protocol', async () => {
    const front = await behindProxyProtocol(await servingInTurn(fresh));
    const listener = { ...front, proxyProtocol: true };
    expect((await prove([listener], expecting(fresh))).verdict).toBe('served');
  });

  it('by its own key type where there are twins', async () => {
    const rsa = issue({ key: 'rsa-2048' });
    const server = await tlsServer(() => [fresh, rsa]);
    expect((await prove([server], expecting(rsa, { keyType: 'rsa' }))).verdict).toBe('served');
    expect((await prove([server], expecting(fresh, { keyType: 'ec' }))).verdict).toBe('served');
  });

  it('together with many others, by one handshake each', async () => {
    const server = await servingInTurn(fresh);
    const verifier = new HandshakeVerifier({
      listeners: () => [server],
      timeoutMs: 20_000,
      workers: () => 4,
    });
    const proofs = await verifier.prove(Array.from({ length: 60 }, () => expecting(fresh)));
    expect(proofs).toHaveLength(60);
    expect(proofs.every(({ verdict, handshakes }) => verdict === 'served' && handshakes === 1)).toBe(true);
  });

  it('each on its own, in the order in which they were asked for', async () => {
    const server = await tlsServer((name) => (name === 'old.test' ? old : fresh));
    const verifier = new HandshakeVerifier({ listeners: () => [server], timeoutMs: SHORT, workers: () => 1 });
    const proofs = await verifier.prove(
      ['old.test', 'a.test', 'old.test', 'b.test'].map((sni) => expecting(fresh, { snis: [sni] })),
    );
    expect(proofs.map(({ verdict }) => verdict)).toEqual(['wrong', 'served', 'wrong', 'served']);
  });
});

describe('a Kong that did not hear of the write', () => {
  it('is told to empty its caches before the certificate counts as not served', async () => {
    let served = old;
    let emptied = 0;
    const server = await tlsServer(() => served);
    const emptyCaches = () => {
      emptied += 1;
      served = fresh;
      return Promise.resolve(true);
    };
    const proof = await prove([server], expecting(fresh, { emptyCaches }), { timeoutMs: SHORT });
    expect([proof.verdict, emptied]).toEqual(['served', 1]);
  });

  test.for<[what: string, emptyCaches: () => Promise<boolean>]>([
    ['cannot be told', () => Promise.resolve(false)],
    ['does not answer', () => new Promise(() => undefined)],
    ['answers that it failed', () => Promise.reject(new Error('500'))],
    ['goes on with what it had', () => Promise.resolve(true)],
  ])('and %s does not serve it', async ([, emptyCaches]) => {
    const server = await tlsServer(() => old);
    let asked = 0;
    const counted = () => {
      asked += 1;
      return emptyCaches();
    };
    const proof = await prove([server], expecting(fresh, { emptyCaches: counted }), { timeoutMs: SHORT });
    expect([proof.verdict, asked]).toEqual(['wrong', 1]);
  });

  it('is not told where the certificate is served', async () => {
    const server = await tlsServer(() => fresh);
    const emptyCaches = () => Promise.reject(new Error('nobody should ask'));
    expect((await prove([server], expecting(fresh, { emptyCaches }))).verdict).toBe('served');
  });
});

describe('a certificate is wrong', () => {
  it('where another one is served until time is over', async () => {
    const server = await servingInTurn(old);
    const proof = await prove([server], expecting(fresh), { timeoutMs: SHORT });
    expect(proof).toMatchObject({ verdict: 'wrong', servedFingerprint: printOf(old) });
    expect(proof.handshakes).toBeGreaterThan(1);
    expect(proof.detail).toBe(`127.0.0.1:${server.port} serves ${printOf(old)} for www.example.test`);
  });

  it('where its intermediate is missing', async () => {
    const server = await servingInTurn({ ...fresh, chain: fresh.cert });
    expect((await prove([server], expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('wrong');
  });

  it('where one worker keeps serving the old one', async () => {
    let turn = 0;
    const server = await tlsServer(() => (turn++ % 2 === 0 ? fresh : old));
    expect((await prove([server], expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('wrong');
  });

  it('where the server refuses whoever asks, after three tries', async () => {
    const server = await refusingServer();
    const proof = await prove([server], expecting(fresh));
    expect(proof).toMatchObject({ verdict: 'wrong', servedFingerprint: null, handshakes: 3 });
    expect(proof.detail).toMatch(/handshake failure/i);
  });

  it('where one listener serves another one though a second one is closed', async () => {
    const listeners = [await closedPort(), await servingInTurn(old)];
    expect((await prove(listeners, expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('wrong');
  });
});

describe('nothing is said about a certificate', () => {
  it('where nobody listens', async () => {
    const proof = await prove([await closedPort()], expecting(fresh), { timeoutMs: SHORT });
    expect(proof).toMatchObject({ verdict: 'unreachable', servedFingerprint: null });
    expect(proof.detail).toContain('ECONNREFUSED');
  });

  it('where the handshake hangs', async () => {
    const server = await tcpServer(() => undefined);
    const proof = await prove([server], expecting(fresh), { timeoutMs: SHORT });
    expect(proof).toMatchObject({ verdict: 'unreachable', servedFingerprint: null });
    expect(proof.detail).toContain('no handshake within 1.5 s');
  });

  it('where the connection is closed, as by a Kong that ends', async () => {
    const server = await tcpServer((socket) => socket.destroy());
    expect((await prove([server], expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('unreachable');
  });

  it('where one of the workers gives no answer any more', async () => {
    let turn = 0;
    const inner = await servingInTurn(fresh);
    const server = await tcpServer((socket) => {
      if (turn++ % 2 === 1) return;
      const to = connect(inner.port, inner.host);
      to.on('error', () => undefined);
      socket.pipe(to).pipe(socket);
    });
    expect((await prove([server], expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('unreachable');
  });

  it.for([
    ['another certificate is served', () => servingInTurn(old)],
    ['the server refuses', refusingServer],
  ] as const)('where %s and Kong does not say whether it still stores it', async ([, start]) => {
    const server = await start();
    const isStored = () => Promise.resolve(null);
    const proof = await prove([server], expecting(fresh, { isStored }), { timeoutMs: SHORT });
    expect(proof.verdict).toBe('unreachable');
  });

  // Without its database, Kong serves what its workers knew for half a minute longer.
  it('where the former one is served by a Kong whose database was away for a moment', async () => {
    const server = await servingInTurn(old);
    let asked = 0;
    const isStored = () => Promise.resolve(asked++ === 0 ? null : true);
    const proof = await prove([server], expecting(fresh, { isStored }), { timeoutMs: SHORT });
    expect(asked).toBeGreaterThan(1);
    expect(proof.verdict).toBe('unreachable');
    expect(proof.detail).toContain('Kong did not say for a while whether it still stores it');
  });

  it('where this Kong has no TLS listener', async () => {
    expect(await prove([], expecting(fresh))).toMatchObject({
      verdict: 'unreachable',
      handshakes: 0,
      detail: 'this Kong has no TLS listener to ask',
    });
  });

  it('where it has no SNI', async () => {
    const server = await servingInTurn(fresh);
    expect(await prove([server], expecting(fresh, { snis: [] }))).toMatchObject({
      verdict: 'unreachable',
      handshakes: 0,
      detail: 'it has no SNI to ask for',
    });
  });

  it('where somebody else overwrote it meanwhile', async () => {
    const server = await servingInTurn(old);
    const isStored = () => Promise.resolve(false);
    expect(await prove([server], expecting(fresh, { isStored }), { timeoutMs: SHORT })).toMatchObject({
      verdict: 'overwritten',
      detail: 'somebody else wrote to Kong meanwhile',
    });
  });

  it('and Kong is not asked whether it still stores what it serves', async () => {
    let asked = 0;
    const isStored = () => Promise.resolve(++asked < 0);
    const server = await servingInTurn(fresh);
    expect((await prove([server], expecting(fresh, { isStored }))).verdict).toBe('served');
    expect(asked).toBe(0);
  });
});

describe('the certificate served before the write decides what is wrong', () => {
  const theirs = issue({ names: ['theirs.example.test'] });
  const chain = (of: Issued) => opened(rawOf(of)).bundle.chain;
  const snis = ['www.example.test', 'other.example.test'];
  /** Certificates that two names show, before the write and after it. */
  const table: {
    name: string;
    before?: [Issued | null, Issued | null];
    after: [Issued, Issued];
    more?: Partial<Expectation>;
    verdict: string;
    handshakes?: number;
  }[] = [
    { name: 'both are served', before: [old, old], after: [fresh, fresh], verdict: 'served' },
    { name: 'one shows the previous one', before: [old, old], after: [fresh, old], verdict: 'wrong' },
    { name: 'one was never its own', before: [old, theirs], after: [fresh, theirs], verdict: 'served' },
    {
      name: 'neither was ever its own',
      before: [theirs, theirs],
      after: [theirs, theirs],
      verdict: 'another',
    },
    { name: 'one is lost to another one', before: [old, old], after: [fresh, theirs], verdict: 'wrong' },
    {
      name: 'nobody asked before, and a certificate is shown that Kong does not store',
      after: [fresh, theirs],
      more: { isKongs: () => false },
      verdict: 'served',
    },
    {
      name: 'nobody asked before, and another one of Kong is shown',
      after: [fresh, theirs],
      more: { isKongs: () => true },
      verdict: 'wrong',
    },
    {
      name: 'nobody asked before, and the previous one is shown, which Kong does not store any more',
      after: [fresh, old],
      more: { isKongs: () => false },
      verdict: 'wrong',
    },
    {
      name: 'a name that the write added goes on to another one',
      before: [old, theirs],
      after: [fresh, theirs],
      more: { added: ['other.example.test'] },
      verdict: 'served',
    },
    {
      name: 'a new certificate is served for one of its names',
      before: [theirs, theirs],
      after: [fresh, theirs],
      more: { previous: null },
      verdict: 'served',
    },
    {
      name: 'a new certificate is served for none of its names',
      before: [theirs, theirs],
      after: [theirs, theirs],
      more: { previous: null },
      verdict: 'wrong',
    },
    {
      name: 'something that Kong does not store answers for all names of a new certificate',
      before: [theirs, theirs],
      after: [theirs, theirs],
      more: { previous: null, isKongs: () => false },
      verdict: 'another',
    },
  ];

  it.for(table)('$name: $verdict', async ({ before, after, more, verdict }) => {
    let shown = (before ?? [old, old]) as readonly (Issued | null)[];
    const server = await tlsServer((name) => shown[snis.indexOf(name ?? '')] ?? fallback);
    const verifier = new HandshakeVerifier({ listeners: () => [server], timeoutMs: SHORT, workers: () => 1 });
    const expected = expecting(fresh, { snis, previous: chain(old), ...more });
    const observed = before === undefined ? undefined : await verifier.observe({ snis });
    shown = after;
    const [proof] = await verifier.prove([
      { ...expected, ...(observed === undefined ? {} : { before: observed }) },
    ]);
    expect(proof?.verdict).toBe(verdict);
    if (verdict === 'another' || after[1] === theirs) expect(proof?.detail).toContain(printOf(theirs));
  });

  const fallback = issue({ names: ['localhost'] });

  it('a name that is refused before and after the write is not the certificate’s fault', async () => {
    const server = await refusingServer();
    const verifier = new HandshakeVerifier({ listeners: () => [server], timeoutMs: SHORT, workers: () => 1 });
    const before = await verifier.observe({ snis: ['www.example.test'] });
    const [proof] = await verifier.prove([expecting(fresh, { previous: chain(old), before })]);
    expect(proof?.verdict).toBe('another');
  });

  it('a listener that does not answer quickly delays no write and counts as unknown', async () => {
    const server = await tcpServer(() => undefined);
    const verifier = new HandshakeVerifier({
      listeners: () => [server],
      timeoutMs: 60_000,
      workers: () => 1,
    });
    expect(await verifier.observe({ snis })).toEqual(new Map());
  });
});

describe('names', () => {
  it('are asked for as they are stored, capitals as well', async () => {
    const server = await servingInTurn(fresh);
    expect((await prove([server], expecting(fresh, { snis: ['Shop.Example.Test'] }))).verdict).toBe('served');
    expect(new Set(server.asked)).toEqual(new Set(['Shop.Example.Test']));
  });

  it.for([
    ['*.internal', 'two labels after the asterisk'],
    [`${'a'.repeat(64)}.example.test`, 'longer than a name can be'],
    [`${'a.'.repeat(127)}test`, 'longer than a name can be'],
    ['192.0.2.1', 'no client asks for the address'],
  ] as const)('that no client can get are said, and hold nothing up: %s', async ([sni, why]) => {
    const server = await servingInTurn(fresh);
    const proof = await prove([server], expecting(fresh, { snis: ['gw.internal', sni] }), { workers: 1 });
    expect(proof).toMatchObject({ verdict: 'served', detail: expect.stringContaining(why) as string });
    expect(new Set(server.asked)).toEqual(new Set(['gw.internal']));
    expect(await prove([server], expecting(fresh, { snis: [sni] }))).toMatchObject({
      verdict: 'unreachable',
      handshakes: 0,
      detail: expect.stringContaining(why) as string,
    });
  });

  it('of the greatest length are asked for, wildcards by a shorter probe', async () => {
    const server = await servingInTurn(fresh);
    const rest = `.${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.test`;
    const sni = `*${rest}`;
    expect((await prove([server], expecting(fresh, { snis: [sni] }))).verdict).toBe('served');
    expect(server.asked[0]).toHaveLength(253);
    expect(server.asked[0]?.endsWith(rest)).toBe(true);
  });
});

it('one closed listener does not keep a certificate from being proven by another', async () => {
  const listeners = [await closedPort(), await servingInTurn(fresh)];
  expect((await prove(listeners, expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('served');
});

it('many that are not served take little longer than one: they were all written at the same moment', async () => {
  const server = await servingInTurn(old);
  // Eight at a time: the first have the whole time, those after them what is left and then two seconds.
  const verifier = new HandshakeVerifier({ listeners: () => [server], timeoutMs: 5_000, workers: () => 1 });
  const proofs = await verifier.prove(Array.from({ length: 16 }, () => expecting(fresh)));
  expect(new Set(proofs.map(({ verdict }) => verdict))).toEqual(new Set(['wrong']));
  expect(proofs[15]?.durationMs).toBeLessThan(proofs[0]?.durationMs ?? 0);
});

it('nothing to prove needs no handshake', async () => {
  const verifier = new HandshakeVerifier({ listeners: () => [], timeoutMs: 1, workers: () => 1 });
  expect(await verifier.prove([])).toEqual([]);
});
