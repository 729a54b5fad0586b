/** Whether an SNI of Kong's stands for names of any ending (`example.*`) or for every name (`*`). */
export const isPattern = (sni: string): boolean => sni === '*' || sni.endsWith('.*');

/** Limits of a host name and of each of its labels (RFC 1035). */
const MAX_LENGTH = 253;
const MAX_LABEL = 63;

/** The names of a certificate that can be SNIs in Kong (its wildcard_host rule) and that a client can ask for. */
export function asSnis(names: readonly string[]): string[] {
  return names.filter((name) => whyNotSni(name) === null);
}

/**
 * Why a name cannot be an SNI.
 * @param name in lower case, as certificates are read
 * @returns the end of a sentence that begins with the name; null: it can
 */
export function whyNotSni(name: string): string | null {
  const host = name.startsWith('*.') ? name.slice(2) : name;
  if (host === '') return 'names nothing';
  if (host.length > MAX_LENGTH || host.split('.').some((label) => label.length > MAX_LABEL)) {
    return 'is longer than a host name may be';
  }
  if (/[^ -~]|\?/.test(host))
    return 'has octets that no host name has (xn--… is how international names are written)';
  if (host.endsWith('.')) return 'ends in a dot, which clients leave out';
  if (/^\d+(\.\d+){3}$/.test(host)) return 'is an address written as a name; it has to be an IP entry';
  if (host.includes('*')) return 'has a wildcard that is not its whole first label';
  const isHost = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host);
  return isHost ? null : 'is not a host name';
}
