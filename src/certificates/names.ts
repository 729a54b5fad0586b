import type { CertificateInfo } from '../model';

/** Whether an SNI of Kong's stands for names of any ending (`example.*`) or for every name (`*`). */
export const isPattern = (sni: string): boolean => sni === '*' || sni.endsWith('.*');

/** Limits of a host name and of each of its labels (RFC 1035). */
const MAX_LENGTH = 253;
const MAX_LABEL = 63;

/** The names of a certificate that can be SNIs in Kong (its wildcard_host rule) and that a client can ask for. */
export function asSnis(names: readonly string[]): string[] {
  return names.filter((name) => whyNotSni(name) === null);
}

const HOST = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** A quick test that nearly all names pass: one pass checks 10,000 leaves. */
const isPlainHost = (name: string) =>
  name.length <= MAX_LABEL && /^[a-z0-9]+([.-][a-z0-9]+)*\.[a-z]+$/.test(name);

/**
 * Why a name cannot be an SNI.
 * @param name in lower case, as certificates are read
 * @returns the end of a sentence that begins with the name; null: it can
 */
export function whyNotSni(name: string): string | null {
  if (isPlainHost(name)) return null;
  const host = name.startsWith('*.') ? name.slice(2) : name;
  if (host === '') return 'has no host name';
  if (host.length > MAX_LENGTH || host.split('.').some((label) => label.length > MAX_LABEL)) {
    return 'is longer than a host name may be';
  }
  if (/[^ -~]|\?/.test(host))
    return 'has octets that no host name has (xn--… is how international names are written)';
  if (host.endsWith('.')) return 'ends in a dot, which clients leave out';
  if (/^\d+(\.\d+){3}$/.test(host)) return 'is an address written as a name; it has to be an IP entry';
  if (host.includes('*')) return 'has a wildcard that is not its whole first label';
  return HOST.test(host) ? null : 'is not a host name';
}

/** Most names in one sentence. */
const MOST_SHOWN = 3;

/**
 * A warning about names of a leaf that no client can ask for; null: each can be an SNI. Addresses beside names are
 * usual: a client that connects to an address sends no name.
 */
export function namesWarning({ names, ips = [] }: Pick<CertificateInfo, 'names' | 'ips'>): string | null {
  const unfit = names.flatMap((name) => {
    const why = ips.includes(name) ? null : whyNotSni(name);
    return why === null ? [] : [`"${name}" ${why}`];
  });
  if (unfit.length === 0) return ips.length > 0 && asSnis(names).length === 0 ? ofAddresses(ips) : null;
  const more = unfit.length > MOST_SHOWN ? ` and ${unfit.length - MOST_SHOWN} more` : '';
  return `clients cannot ask for every name of it: ${unfit.slice(0, MOST_SHOWN).join('; ')}${more}`;
}

const ofAddresses = (ips: readonly string[]) =>
  `it is only for addresses (${ips.slice(0, MOST_SHOWN).join(', ')}${ips.length > MOST_SHOWN ? ', …' : ''}), and a client ` +
  "that connects to an address sends no name and gets Kong's default certificate: name its files in ssl_cert and " +
  'ssl_cert_key of Kong';
