import type { KeyType } from '../model';
import { handshake, isRefusedByServer } from './handshake';
import type { Listener } from './listeners';

/**
 * What a client that sends no server name gets, as DER, leaf first; empty where the server refuses the handshake.
 * @param keyType for a client that supports only this type of key
 * @param isWanted as long as it returns true, another worker is asked, `rounds` times in all
 * @returns null where no listener can be reached or none answers: a busy or ending Kong serves no other certificate
 * for that
 */
export async function servedWithoutSni(
  listeners: readonly Listener[],
  keyType: KeyType | undefined,
  rounds: number,
  isWanted: (chain: readonly Buffer[]) => boolean,
): Promise<readonly Buffer[] | null> {
  for (const { host, port, proxyProtocol = false } of listeners) {
    try {
      let chain: readonly Buffer[] = [];
      for (let round = 0; round < rounds && (round === 0 || isWanted(chain)); round++) {
        chain = await handshake({
          host,
          port,
          proxyProtocol,
          servername: null,
          keyType,
          timeoutMs: TIMEOUT_MS,
        });
      }
      return chain;
    } catch (error) {
      // The next listener serves the same files.
      if (isRefusedByServer(error as NodeJS.ErrnoException)) return [];
    }
  }
  return null;
}

const TIMEOUT_MS = 5_000;
