import { describe, expect, it } from 'vitest';
import type { Issued } from '../../../src/authority/authority';
import { fingerprint } from '../../../src/certificates';
import type { Expectation } from '../../../src/model';
import { HandshakeVerifier } from '../../../src/verify';
import { derOf, issue, opened, rawOf } from '../../support/bundles';
import {
  behindProxyProtocol,
  closedPort,
  tcpServer,
  tlsServer,
  type Listening,
} from '../../support/tls-server';

const old = issue();
const fresh = issue();
const printOf = ({ cert }: Issued) => fingerprint(derOf(cert));

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
  const verifier = new HandshakeVerifier({ listeners, timeoutMs, workers: () => workers });
  const [proof] = await verifier.prove([expected]);
  if (proof === undefined) throw new Error('no proof');
  return proof;
}

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

  it('only once all of several differing answers agree', async () => {
    const server = await servingInTurn(fresh, old, fresh, fresh, old, fresh, fresh, fresh, old, fresh);
    const proof = await prove([server], expecting(fresh));
    expect(proof.verdict).toBe('served');
    // Nine until the last old one, then four in a row.
    expect(proof.handshakes).toBe(13);
  });

  it('for every one of its SNIs, wildcards by a name below them', async () => {
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
    const verifier = new HandshakeVerifier({ listeners: [server], timeoutMs: 20_000, workers: () => 4 });
    const proofs = await verifier.prove(Array.from({ length: 60 }, () => expecting(fresh)));
    expect(proofs).toHaveLength(60);
    expect(proofs.every(({ verdict, handshakes }) => verdict === 'served' && handshakes === 1)).toBe(true);
  });

  it('each for itself: the proofs stand in the order of what was asked', async () => {
    const server = await tlsServer((name) => (name === 'old.test' ? old : fresh));
    const verifier = new HandshakeVerifier({ listeners: [server], timeoutMs: SHORT, workers: () => 1 });
    const proofs = await verifier.prove(
      ['old.test', 'a.test', 'old.test', 'b.test'].map((sni) => expecting(fresh, { snis: [sni] })),
    );
    expect(proofs.map(({ verdict }) => verdict)).toEqual(['wrong', 'served', 'wrong', 'served']);
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

  it('where the handshake hangs', async () => {
    const server = await tcpServer(() => undefined);
    const proof = await prove([server], expecting(fresh), { timeoutMs: SHORT });
    expect(proof).toMatchObject({ verdict: 'wrong', servedFingerprint: null });
    expect(proof.detail).toContain('no handshake within 1.5 s');
  });

  it('where the handshake fails', async () => {
    const server = await tcpServer((socket) => socket.destroy());
    expect((await prove([server], expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('wrong');
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

  it('nor is Kong asked whether it still stores what it serves', async () => {
    let asked = 0;
    const isStored = () => Promise.resolve(++asked < 0);
    const server = await servingInTurn(fresh);
    expect((await prove([server], expecting(fresh, { isStored }))).verdict).toBe('served');
    expect(asked).toBe(0);
  });
});

it('one closed listener does not keep a certificate from being proven by another', async () => {
  const listeners = [await closedPort(), await servingInTurn(fresh)];
  expect((await prove(listeners, expecting(fresh), { timeoutMs: SHORT })).verdict).toBe('served');
});

it('many that are not served take little longer than one: all have been in Kong since the same moment', async () => {
  const server = await servingInTurn(old);
  // Eight at a time: the first have the whole time, those after them what is left and then two seconds.
  const verifier = new HandshakeVerifier({ listeners: [server], timeoutMs: 5_000, workers: () => 1 });
  const proofs = await verifier.prove(Array.from({ length: 16 }, () => expecting(fresh)));
  expect(new Set(proofs.map(({ verdict }) => verdict))).toEqual(new Set(['wrong']));
  expect(proofs[15]?.durationMs).toBeLessThan(proofs[0]?.durationMs ?? 0);
});

it('nothing to prove needs no handshake', async () => {
  const verifier = new HandshakeVerifier({ listeners: [], timeoutMs: 1, workers: () => 1 });
  expect(await verifier.prove([])).toEqual([]);
});
