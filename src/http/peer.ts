import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Address } from './address';
import { HttpFailure } from './failure';
import { isLocal, ownersOfPath, ownersOfPeer } from './socket-owner';

/** Who may answer on this machine before anything secret is sent there: any user may listen on a port that is free. */
export interface PeerRules {
  /** Beside root and this user. */
  users?: () => ReadonlySet<number>;
  /** Certificates (DER) that only whom we look for has the keys of. */
  pinned?: () => readonly Buffer[];
  /** What the operator can do where somebody else answers. */
  advice: string;
  /** Told once where the system does not say who answers. */
  notice?: ((text: string) => void) | undefined;
}

/**
 * What has to hold of a connection before the first octet is sent.
 * @param isUnverified the certificate of the server was not verified
 * @returns undefined where there is nothing to check
 */
export function peerCheck(
  address: Address,
  isUnverified: boolean,
  rules: PeerRules | undefined,
): ((socket: Socket) => Promise<void>) | undefined {
  const { socketPath, isPlain, isHttpAllowed } = address;
  if ((isPlain && isHttpAllowed) || (!isPlain && !isUnverified)) return undefined;
  if (socketPath !== undefined) {
    if (rules === undefined) return undefined;
    return () => Promise.resolve().then(() => checkOwners(ownersOfPath(socketPath), rules));
  }
  return async (socket) => {
    if (!isLocal(socket)) {
      throw untrusted(
        'its name leads to another machine, and what is sent there would cross the network in clear',
      );
    }
    if (rules !== undefined && !isPinned(socket, rules)) checkOwners(await ownersOfPeer(socket), rules);
  };
}

function isPinned(socket: Socket, { pinned }: PeerRules): boolean {
  if (!(socket instanceof TLSSocket) || pinned === undefined) return false;
  const found = socket.getPeerX509Certificate()?.raw;
  return found !== undefined && pinned().some((known) => known.equals(found));
}

function checkOwners(owners: ReadonlySet<number> | null, { users, advice, notice }: PeerRules): void {
  if (owners === null) {
    notice?.('this system does not say whose process answers there, so that is not checked');
    return;
  }
  const trusted = new Set([0, process.geteuid?.() ?? 0, ...(users?.() ?? [])]);
  const strangers = [...owners].filter((uid) => !trusted.has(uid));
  if (owners.size > 0 && strangers.length === 0) return;
  const whose = strangers.length === 0 ? 'of nobody who can be seen' : `of user ${strangers.join(', ')}`;
  const expected = [...trusted].join(', ');
  throw untrusted(
    `a process ${whose} answers there, and only those of user ${expected} are trusted; nothing was sent to it: ${advice}`,
  );
}

const untrusted = (why: string) => new HttpFailure(why, { code: 'untrusted', kind: 'forbidden' });
