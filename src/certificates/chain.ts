import type { ParsedCertificate } from './x509';

const isSelfIssued = (certificate: ParsedCertificate) => certificate.issuer === certificate.subject;

/**
 * Puts certificates in the order in which a server sends them: leaf first, each followed by its issuer, by the
 * names alone (signatures are checked at the gate). Duplicates and the root are dropped.
 * @returns null when they do not form one chain
 */
export function orderChain(certificates: readonly ParsedCertificate[]): ParsedCertificate[] | null {
  const rest = [...new Map(certificates.map((c) => [c.info.fingerprint, c])).values()];
  const leaf = findLeaf(rest);
  if (leaf === undefined) return null;
  const chain = [leaf];
  rest.splice(rest.indexOf(leaf), 1);
  let last = leaf;
  while (rest.length > 0 && !isSelfIssued(last)) {
    const next = rest.findIndex((candidate) => candidate.subject === last.issuer);
    if (next === -1) return null;
    last = rest.splice(next, 1)[0] as ParsedCertificate;
    chain.push(last);
  }
  if (rest.length > 0) return null;
  if (chain.length > 1 && isSelfIssued(last)) chain.pop();
  return chain;
}

/** The first that issued none of the others: files begin with the leaf, reversed ones end with it. */
function findLeaf(certificates: readonly ParsedCertificate[]): ParsedCertificate | undefined {
  return certificates.find(
    (candidate) => !certificates.some((other) => other !== candidate && other.issuer === candidate.subject),
  );
}
