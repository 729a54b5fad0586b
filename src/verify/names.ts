import { isIP } from 'node:net';

/** The longest name that a client can send (RFC 1035), and the longest label. */
const MAX_NAME = 253;
const MAX_LABEL = 63;
const PROBE = 'ssl-cert-reloader-probe';

/**
 * A name that matches the stored SNI: Kong compares it to the letter, and its wildcards stand for one label at the
 * start or at the end.
 */
export function probeName(sni: string): string {
  if (sni === '*') return `${PROBE}.invalid`;
  if (sni.startsWith('*.')) return `${probeLabel(sni)}${sni.slice(1)}`;
  return sni.endsWith('.*') ? `${sni.slice(0, -1)}${probeLabel(sni)}` : sni;
}

const probeLabel = (pattern: string) => PROBE.slice(0, Math.max(1, MAX_NAME - pattern.length + 1));

/** Why no client can get a certificate by this SNI, in a sentence; null: some can. */
export function unservable(sni: string): string | null {
  const labels = sni.split('.');
  if (sni.startsWith('*.') && labels.length < 3) {
    return `Kong cannot match ${sni}: its wildcards need two labels after the asterisk`;
  }
  if (isIP(sni) !== 0) return `no client asks for the address ${sni} by name`;
  if (sni.length > MAX_NAME || labels.some((label) => label.length > MAX_LABEL)) {
    return `${sni.slice(0, 60)}… is longer than a name can be, so no client can ask for it`;
  }
  return null;
}
