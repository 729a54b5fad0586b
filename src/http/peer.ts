import type { Socket } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import type { Address } from './address';
import { HttpFailure } from './failure';
import { notice } from './notices';
import { isLocal, ownersOfPath, ownersOfPeer } from './socket-owner';

/** Who may answer on this machine before anything secret is sent there: any user may listen on a free port. */
export interface PeerRules {
  /** Users besides root and the present one. */
  users?: () => ReadonlySet<number>;
  /** Certificates (DER) whose keys only the expected server has. */
  pinned?: () => readonly Buffer[];
  /** What the operator can do where another program answers. */
  advice: string;
}

/**
 * The check of a connection before the first octet is sent.
 * @param isUnverified the server's certificate was not verified
 * @returns undefined where there is nothing to check
 */
export function peerCheck(
  address: Address,
  isUnverified: boolean,
  rules: PeerRules | undefined,
  subject = 'it',
): ((socket: Socket) => Promise<void>) | undefined {
  const { socketPath, isPlain, isHttpAllowed } = address;
  if ((isPlain && isHttpAllowed) || (!isPlain && !isUnverified)) return undefined;
  if (socketPath !== undefined) {
    if (rules === undefined) return undefined;
    return () => Promise.resolve().then(() => checkOwners(ownersOfPath(socketPath), rules, subject));
  }
  return async (socket) => {
    if (!isLocal(socket)) {
      throw untrusted(
        'its name resolves to another machine, and the request would cross the network unencrypted',
      );
    }
    if (rules !== undefined && !isPinned(socket, rules))
      checkOwners(await ownersOfPeer(socket), rules, subject);
  };
}

function isPinned(socket: Socket, { pinned }: PeerRules): boolean {
  if (!(socket instanceof TLSSocket) || pinned === undefined) return false;
  const { raw: found } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return found !== undefined && pinned().some((known) => known.equals(found));
}

function checkOwners(
  owners: ReadonlySet<number> | null,
  { users, advice }: PeerRules,
  subject: string,
): void {
  if (owners === null) {
    notice(`${subject}: this system does not say whose process answers there, so that is not checked`);
    return;
  }
  const trusted = new Set([0, process.geteuid?.() ?? 0, ...(users?.() ?? [])]);
  const strangers = [...owners].filter((uid) => !trusted.has(uid));
  if (owners.size > 0 && strangers.length === 0) return;
  const whose = strangers.length === 0 ? 'of an unknown user' : `of user ${strangers.join(', ')}`;
  const expected = [...trusted].join(', ');
  throw untrusted(
    `a process ${whose} answers there, and only those of user ${expected} are trusted; nothing was sent to it: ${advice}`,
  );
}

const untrusted = (why: string) => new HttpFailure(why, { code: 'untrusted', kind: 'forbidden' });
