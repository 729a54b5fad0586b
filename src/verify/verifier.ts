import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, fingerprint } from '../certificates';
import type { Expectation, Proof, Verifier } from '../model';
import { handshake, UnreachableError } from './handshake';

export interface Listener {
  host: string;
  port: number;
  proxyProtocol?: boolean;
}

export interface VerifierOptions {
  /** Where this Kong terminates TLS. */
  listeners: readonly Listener[];
  /** Milliseconds until every worker has to serve the new certificate. */
  timeoutMs: number;
  /** Workers of this Kong; each keeps certificates of its own. */
  workers: () => number;
}

/** Handshakes at the same time: each costs Kong a signature. */
const CONCURRENCY = 8;
/** Above this many certificates one good handshake each has to do. */
const MANY = 50;
const PAUSE_MS = 25;
/** Milliseconds for one whose turn comes when time is over for all: it has been in Kong for that long already. */
const LATE_MS = 2_000;
/** How often Kong is asked whether what is waited for is still stored. */
const STORED_CHECK_MS = 1_000;

/**
 * Proves by handshakes that Kong serves what was written. A worker cannot be addressed, so a certificate counts
 * as served once as many handshakes in a row as there are workers, twice over, have shown it.
 */
export class HandshakeVerifier implements Verifier {
  constructor(private readonly options: VerifierOptions) {}

  async prove(expected: readonly Expectation[]): Promise<Proof[]> {
    const rounds = expected.length > MANY ? 1 : Math.max(2, 2 * this.options.workers());
    const { timeoutMs } = this.options;
    const end = performance.now() + timeoutMs;
    const proofs: Proof[] = [];
    const queue = expected.entries();
    const worker = async () => {
      for (const [index, expectation] of queue) {
        const ownMs = performance.now() < end ? timeoutMs : Math.min(timeoutMs, LATE_MS);
        proofs[index] = await this.proveOne(expectation, rounds, ownMs);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, expected.length) }, worker));
    return proofs;
  }

  private async proveOne(expected: Expectation, rounds: number, timeoutMs: number): Promise<Proof> {
    const startedAt = performance.now();
    const deadline = startedAt + timeoutMs;
    let targets = expected.snis.flatMap((sni) => this.options.listeners.map((at) => ({ ...at, sni })));
    const proof: Proof = {
      verdict: 'unreachable',
      servedFingerprint: null,
      handshakes: 0,
      durationMs: 0,
      detail:
        expected.snis.length === 0 ? 'it has no SNI to ask for' : 'this Kong has no TLS listener to ask',
    };
    let checkAt = startedAt + STORED_CHECK_MS;
    // Every SNI is asked at least once, and one that stands alone twice for each worker.
    for (let row = 0; targets.length > 0 && row < Math.max(rounds, targets.length);) {
      const target = targets[row % targets.length] as (typeof targets)[number];
      proof.handshakes += 1;
      Object.assign(proof, await this.look(target, expected, timeoutMs));
      row = proof.verdict === 'served' ? row + 1 : 0;
      if (row > 0) continue;
      // A listener that nobody serves says nothing as long as another one answers.
      const others = targets.filter(({ host, port }) => host !== target.host || port !== target.port);
      if (proof.verdict === 'unreachable' && others.length > 0) {
        targets = others;
        continue;
      }
      const now = performance.now();
      if (now >= checkAt || now >= deadline) {
        checkAt = now + STORED_CHECK_MS;
        if (!(await expected.isStored())) {
          Object.assign(proof, { verdict: 'overwritten', detail: 'somebody else wrote to Kong meanwhile' });
          break;
        }
      }
      if (now >= deadline) break;
      await sleep(PAUSE_MS);
    }
    return { ...proof, durationMs: performance.now() - startedAt };
  }

  /** One handshake and what it says. */
  private async look(
    { host, port, proxyProtocol = false, sni }: Listener & { sni: string },
    { chains, keyType }: Expectation,
    timeoutMs: number,
  ): Promise<Pick<Proof, 'verdict' | 'servedFingerprint' | 'detail'>> {
    const servername = probeName(sni);
    const where = `${host}:${port}`;
    try {
      const sent = await handshake({ host, port, proxyProtocol, servername, keyType, timeoutMs });
      const servedFingerprint = fingerprint(sent[0] as Buffer);
      return chains.includes(digestOf(sent))
        ? { verdict: 'served', servedFingerprint, detail: '' }
        : {
            verdict: 'wrong',
            servedFingerprint,
            detail: `${where} serves ${servedFingerprint} for ${servername}`,
          };
    } catch (error) {
      return {
        verdict: error instanceof UnreachableError ? 'unreachable' : 'wrong',
        servedFingerprint: null,
        detail: `a handshake with ${where} for ${servername} failed: ${(error as Error).message}`,
      };
    }
  }
}

/** A name that leads to the SNI: Kong's wildcards stand for one label, at the start or at the end. */
export function probeName(sni: string): string {
  if (sni === '*') return 'ssl-cert-reloader-probe.invalid';
  if (sni.startsWith('*.')) return `ssl-cert-reloader-probe${sni.slice(1)}`;
  return sni.endsWith('.*') ? `${sni.slice(0, -1)}ssl-cert-reloader-probe` : sni;
}
