import { refusal, type Refusal } from '../model';
import { isSelfIssued } from './chain';
import { forbiddenName } from './name-constraints';
import type { ParsedCertificate } from './x509';

/**
 * Checks the path from a leaf up to an authority by the rules of OpenSSL's clients, signatures and dates aside:
 * issuers that are not CAs, path lengths, usages, name constraints, critical extensions.
 * @param path leaf first, each followed by its issuer
 * @param location how messages name it
 */
export function checkPath(path: readonly ParsedCertificate[], location: string): Refusal | null {
  const broken = (index: number, what: string) =>
    refusal('chain_broken', `certificate ${index + 1} of ${location} ${what}`);
  let uses = usesOf(path[0]);
  for (const [index, certificate] of path.entries()) {
    const { unknownCritical, isCa, maySign, pathLength, nameConstraints } = certificate.extensions;
    if (unknownCritical !== undefined) {
      return broken(
        index,
        `has a critical extension that clients do not know (${unknownCritical}); it has to be issued without`,
      );
    }
    if (index === 0) continue;
    if (!isCa || !maySign) {
      return broken(
        index,
        'is an issuer in the chain but not a CA (basicConstraints CA:TRUE, keyUsage keyCertSign)',
      );
    }
    const below = path.slice(0, index);
    const between = below.slice(1).filter((one) => !isSelfIssued(one)).length;
    if (between > pathLength) {
      return broken(
        index,
        `allows no more than ${pathLength} CAs below it (pathlen), and there are ${between}; its issuer has to allow them`,
      );
    }
    const hadUse = uses.server || uses.client;
    uses = both(uses, usesOf(certificate));
    if (hadUse && !uses.server && !uses.client) {
      return broken(
        index,
        'is a CA for another purpose than the leaf below it (extended key usage); use a CA for servers',
      );
    }
    const name = nameConstraints === undefined ? null : nameNotAllowed(nameConstraints, below);
    if (name !== null) {
      return broken(
        index,
        `does not permit ${name} below it (name constraints); its issuer has to allow that`,
      );
    }
  }
  return null;
}

export interface Uses {
  server: boolean;
  client: boolean;
}

const both = (a: Uses, b: Uses): Uses => ({ server: a.server && b.server, client: a.client && b.client });

function usesOf(certificate: ParsedCertificate | undefined): Uses {
  const { isForServers = true, isForClients = true } = certificate?.extensions ?? {};
  return { server: isForServers, client: isForClients };
}

/** Uses of a leaf under its issuers: a CA for clients makes no certificates for servers. */
export const usesUnder = (path: readonly ParsedCertificate[]): Uses => path.map(usesOf).reduce(both);

function nameNotAllowed(constraints: Buffer, below: readonly ParsedCertificate[]): string | null {
  try {
    for (const [index, certificate] of below.entries()) {
      if (index > 0 && isSelfIssued(certificate)) continue;
      const name = forbiddenName(constraints, certificate);
      if (name !== null) return name;
    }
    return null;
  } catch {
    return 'anything (they are malformed)';
  }
}
