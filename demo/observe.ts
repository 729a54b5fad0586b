import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodePem, digestOf, fingerprintOf, isCertificate } from '../src/certificates';
import { handshake } from '../src/verify';

/** Fingerprints of a chain, leaf first. */
export type Chain = string[];

export function onDisk(path: string): Chain {
  return chainOf(readFileSync(path, 'utf8'));
}

/** The chain that the Admin API shows for an SNI; empty: none. */
export async function stored(adminUrl: string, sni: string): Promise<Chain> {
  const answer = await fetch(`${adminUrl}/certificates/${sni}`);
  return answer.ok ? chainOf(((await answer.json()) as { cert: string }).cert) : [];
}

/** The chain that a fresh handshake shows. */
export async function served(port: number, sni: string): Promise<Chain> {
  const sent = await handshake({ host: '127.0.0.1', port, servername: sni, timeoutMs: 5_000 });
  return sent.map((der) => fingerprintOf(digestOf([der])));
}

/** Handshakes until `wanted` is served. @returns how many it took, or null after the deadline */
export async function untilServed(
  port: number,
  sni: string,
  wanted: Chain,
  timeoutMs: number,
): Promise<number | null> {
  const deadline = performance.now() + timeoutMs;
  for (let handshakes = 1; performance.now() < deadline; handshakes++) {
    if (same(await served(port, sni), wanted)) return handshakes;
    await sleep(2);
  }
  return null;
}

export const same = (a: Chain, b: Chain): boolean => a.join() === b.join();

/** `3F:A2:9C/1B:00:4D`: the leaf and its intermediate, short. */
export function short(chain: Chain): string {
  return chain.length === 0 ? '-' : chain.map((print) => print.slice(0, 8)).join('/');
}

function chainOf(pem: string): Chain {
  return (decodePem(pem) ?? []).filter(isCertificate).map((block) => fingerprintOf(digestOf([block.der])));
}
