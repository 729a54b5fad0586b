import { expect, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { readCaBundle } from '../../../src/certificates';
import { derOf, raw } from '../../support/bundles';

/** The same certificate with a signature that its key did not make. */
function forged(pem: string): string {
  const der = derOf(pem);
  const last = der.length - 1;
  der.writeUInt8(der.readUInt8(last) ^ 1, last);
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}

const root = Authority.root('Root');

test.for([
  ['a root that its own key signed', root.cert, true],
  ["a root's subject and key under another signature", forged(root.cert), false],
  ['an intermediate', root.intermediate('Issuing').cert, null],
] as const)('%s: whether it is signed by itself is told', async ([, cert, isSelfSigned]) => {
  expect(await readCaBundle(raw({ cert }))).toMatchObject([{ isSelfSigned, problem: null }]);
});
