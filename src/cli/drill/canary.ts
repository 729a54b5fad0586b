import { checkKeyAndChain, openBundle, toPem } from '../../certificates';
import { Authority } from '../../authority/authority';
import {
  deterministicId,
  isRefusal,
  type Change,
  type PemPair,
  type SourcedBundle,
  type StoredCertificate,
} from '../../model';

/** Constant, so that the next drill finds what an interrupted one left behind. */
export const CANARY_ID = deterministicId('certificate', 'drill');

const LIFE_MS = 3_600_000;

/** A certificate that is valid for an hour, for a name that only drills use. */
export interface Canary {
  bundle: SourcedBundle;
  pem: PemPair;
}

/**
 * Two certificates, one after the other, from an authority that is dropped at once.
 * @throws Error never in practice
 */
export function makeCanaries(sni: string): [first: Canary, second: Canary] {
  const authority = Authority.root('ssl-cert-reloader drill').intermediate('ssl-cert-reloader drill');
  const make = (age: number) => {
    const notBefore = new Date(Date.now() - age);
    return openCanary(
      authority.issue({ names: [sni], notBefore, notAfter: new Date(Date.now() + LIFE_MS) }),
      sni,
    );
  };
  return [make(120_000), make(60_000)];
}

function openCanary({ chain, key }: { chain: string; key: string }, sni: string): Canary {
  const opened = openBundle({ name: sni, location: 'the drill', cert: chain, key });
  const refused = isRefusal(opened) ? opened : checkKeyAndChain(opened);
  if (refused !== null) throw new Error(refused.message);
  if (isRefusal(opened)) throw new Error(opened.message);
  return { bundle: { ...opened.bundle, id: `drill#${sni}`, create: true }, pem: toPem(opened) };
}

export const creation = ({ bundle }: Canary, sni: string): Change => ({
  kind: 'create',
  bundle,
  id: CANARY_ID,
  snis: [sni],
});

export const renewal = ({ bundle }: Canary, certificate: StoredCertificate): Change => ({
  kind: 'update',
  bundle,
  certificate,
  half: 'main',
  isOfController: false,
  addSnis: [],
});

/** Why the drill must not use this name: it would take the name from the certificate that serves it. Null: it may. */
export function conflict(sni: string, certificates: Iterable<StoredCertificate>): string | null {
  for (const { id, snis } of certificates) {
    if (id === CANARY_ID) continue;
    const taken = snis.find((other) => other === sni || isWildcardFor(other, sni));
    if (taken !== undefined)
      return `certificate ${id} in Kong serves ${taken}; choose another name with --sni`;
  }
  return null;
}

/** Kong's wildcards, without the one for unknown names: it loses nothing by a name that nobody asks for. */
function isWildcardFor(wildcard: string, sni: string): boolean {
  if (wildcard.startsWith('*.')) return sni.endsWith(wildcard.slice(1));
  return wildcard.endsWith('.*') && sni.startsWith(wildcard.slice(0, -1));
}
