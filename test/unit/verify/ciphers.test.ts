import { expect, it } from 'vitest';
import type { KeyType } from '../../../src/model';
import { noCommonCipher } from '../../../src/verify';

const RSA = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384';
const ECDSA = 'ECDHE-ECDSA-AES128-GCM-SHA256';

it.for<[string, KeyType | 'other', string | undefined, string | undefined, boolean]>([
  ['TLS 1.2 and ciphers for RSA, a key for ECDSA', 'ec', 'TLSv1.2', RSA, true],
  ['TLS 1.2 and ciphers for RSA, a key for EdDSA', 'ed25519', 'TLSv1.1 TLSv1.2', RSA, true],
  ['TLS 1.2 and ciphers for RSA, a key for RSA', 'rsa', 'TLSv1.2', RSA, false],
  ['TLS 1.2 and ciphers for ECDSA, a key for RSA', 'rsa', 'TLSv1.2', ECDSA, true],
  ['TLS 1.2 and ciphers for both', 'ec', 'TLSv1.2', `${RSA}:${ECDSA}`, false],
  ['ciphers whose names say no kind of key, which are for RSA', 'rsa', 'TLSv1.2', 'AES128-SHA', false],
  ['exclusions beside them', 'ec', 'TLSv1.2', `${RSA}:!aNULL:-MD5`, true],
  ['TLS 1.3 beside it', 'ec', 'TLSv1.2 TLSv1.3', RSA, false],
  ['words that stand for many ciphers', 'ec', 'TLSv1.2', 'HIGH:!aNULL', false],
  ['nothing known of the ciphers', 'ec', 'TLSv1.2', undefined, false],
  ['nothing known of the protocols', 'ec', undefined, RSA, false],
  ['a key of another kind', 'other', 'TLSv1.2', RSA, false],
])('%s', ([, keyType, protocols, ciphers, isRefused]) => {
  expect(noCommonCipher(keyType, { protocols, ciphers }) !== null).toBe(isRefused);
});
