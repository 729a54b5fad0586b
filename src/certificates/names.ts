/** Kong's SNIs that stand for names of any ending (`example.*`) or for every name (`*`). */
export const isPattern = (sni: string): boolean => sni === '*' || sni.endsWith('.*');

/**
 * Whether a certificate's names cover an SNI of Kong's. A wildcard name covers one label; Kong's own patterns are
 * the operator's decision, nothing that a certificate could contradict.
 */
export function coversSni(names: readonly string[], sni: string): boolean {
  const wanted = sni.toLowerCase();
  if (isPattern(wanted) || names.includes(wanted)) return true;
  const dot = wanted.indexOf('.');
  return dot > 0 && !wanted.startsWith('*') && names.includes(`*${wanted.slice(dot)}`);
}

/** Of a host name (RFC 1035). */
const MAX_LENGTH = 253;

/** The names of a certificate that Kong accepts as SNIs (its wildcard_host rule): no addresses, no odd signs. */
export function asSnis(names: readonly string[]): string[] {
  return names.filter((name) => {
    const host = name.startsWith('*.') ? name.slice(2) : name;
    return (
      host.length <= MAX_LENGTH &&
      /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host) &&
      !/^\d+(\.\d+){3}$/.test(host)
    );
  });
}
