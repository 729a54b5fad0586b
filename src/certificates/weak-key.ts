import { refusal, type CertificateInfo, type Refusal } from '../model';

const MIN_RSA_BITS = 2048;
/** A handshake with a longer key costs Kong 0.2 s and more. No public CA certifies one. */
const MAX_RSA_BITS = 8192;
const MIN_EC_BITS = 256;

/**
 * Why a public key is unfit: clients refuse it, or it costs them or Kong too much.
 * @param which how the message names it
 */
export function weakKey(which: string, info: CertificateInfo): Refusal | null {
  const { keyType, keyBits, exponent = 65_537 } = info;
  const weak = (what: string) => refusal('weak_key', `${which} has ${what}`);
  switch (keyType) {
    case 'rsa':
      if (keyBits < MIN_RSA_BITS || keyBits > MAX_RSA_BITS) {
        return weak(`a key of ${keyBits} bits (RSA); use ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`);
      }
      if (exponent >= 3 && exponent % 2 === 1) return null;
      return weak('an RSA key with a public exponent that clients refuse; make a new key (65537 is usual)');
    case 'ec':
      if (keyBits >= MIN_EC_BITS) return null;
      return weak(
        keyBits === 0
          ? 'a key on a curve that clients do not know; use P-256, P-384 or P-521'
          : `a key of ${keyBits} bits (EC); use P-256, P-384 or P-521`,
      );
    case 'ed25519':
      return null;
    case 'other':
      return keyBits > 0 ? null : unservable(which);
  }
}

/** Ed448 signs certificates; Kong serves it to nobody. */
export const unservable = (which: string): Refusal =>
  refusal('weak_key', `${which} has a kind of key that Kong cannot serve; use RSA, ECDSA or Ed25519`);
