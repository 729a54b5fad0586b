import { digestOf, fingerprintOf, parseCertificate } from '../certificates';
import type { KeyType, Shown } from '../model';
import { handshake, isRefusedByServer, UnreachableError } from './handshake';
import { probeName } from './names';

export interface Listener {
  host: string;
  port: number;
  proxyProtocol?: boolean;
  /** Each handshake makes Kong connect to an upstream. */
  isStream?: true;
}

/** A name as it is stored, at a listener; null: a client that sends no name. */
export interface Place extends Listener {
  sni: string | null;
}

/** Key of a place in `ServedNames`. */
export const placeOf = ({ host, port, sni }: Place): string => `${host}:${port} ${sni ?? ''}`;

/** Makes one handshake. Never throws. */
export async function ask(
  { host, port, proxyProtocol = false, sni }: Place,
  keyType: KeyType | undefined,
  timeoutMs: number,
): Promise<Shown> {
  const servername = sni === null ? null : probeName(sni);
  try {
    const sent = await handshake({ host, port, proxyProtocol, servername, keyType, timeoutMs });
    const [leaf] = sent as [Buffer];
    const chain = digestOf(sent);
    // Read where something is wrong: nearly every handshake shows what it should.
    return {
      kind: 'chain',
      chain,
      get fingerprint() {
        return fingerprintOf(leafOf(chain));
      },
      get notAfter() {
        return notAfterOf(leaf);
      },
    };
  } catch (error) {
    const { message } = error as Error;
    const name = servername === null ? 'a client without SNI' : servername;
    const detail = `a handshake with ${host}:${port} for ${name} failed: ${message}`;
    return isRefusedByServer(error as NodeJS.ErrnoException)
      ? { kind: 'refused', detail }
      : { kind: 'silent', detail, isListening: !(error instanceof UnreachableError) };
  }
}

function notAfterOf(leaf: Buffer): number | null {
  try {
    return parseCertificate(leaf).info.notAfter;
  } catch {
    return null;
  }
}

/** The leaf's part of a chain's digest. */
export const leafOf = (chain: string): string => chain.split('.', 1)[0] ?? '';

/** The answer, or null where none comes in time or it fails. */
export async function atMost<T>(ms: number, answer: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([answer.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
