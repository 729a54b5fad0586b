/** Kong's SNIs that stand for names of any ending (`example.*`) or for every name (`*`). */
export const isPattern = (sni: string): boolean => sni === '*' || sni.endsWith('.*');

/** Up to so many names, looking through them is faster than making a set. */
const FEW = 12;

/** Leaves may have 1,000 names, and are asked for 1,000 SNIs. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

function has(names: readonly string[], name: string): boolean {
  if (names.length <= FEW) return names.includes(name);
  let set = sets.get(names);
  if (set === undefined) {
    set = new Set(names);
    sets.set(names, set);
  }
  return set.has(name);
}

/**
 * Whether a certificate's names cover an SNI of Kong's. A wildcard name covers one label; Kong's own patterns are
 * the operator's decision, nothing that a certificate could contradict.
 */
export function coversSni(names: readonly string[], sni: string): boolean {
  const wanted = sni.toLowerCase();
  if (isPattern(wanted) || has(names, wanted)) return true;
  const dot = wanted.indexOf('.');
  return dot > 0 && !wanted.startsWith('*') && has(names, `*${wanted.slice(dot)}`);
}

/** Whether two certificates have the same names, in any order. */
export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => has(b, name));
}

/** Of a host name and of each of its labels (RFC 1035). */
const MAX_LENGTH = 253;
const MAX_LABEL = 63;

/** The names of a certificate that can be SNIs of Kong's (its wildcard_host rule) and that a client can ask for. */
export function asSnis(names: readonly string[]): string[] {
  return names.filter((name) => whyNotSni(name) === null);
}

/**
 * @param name in lower case, as certificates are read
 * @returns why it cannot be an SNI, as the end of a sentence that begins with it; null: it can
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
