import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { ReloadStep } from '../../../src/default-certificate';
import { testFolder } from '../../support/folders';

const END = new Date(Math.ceil(Date.now() / 1000) * 1000 + 30 * 86_400_000);
const root = Authority.root();
const other = Authority.root('Other', { notAfter: END });

/** The status of a file of CA certificates that Kong trusts. */
function shown(text: string) {
  const path = join(testFolder(), 'ca.crt');
  writeFileSync(path, text);
  const trusted = () => [{ use: 'trusted_ca' as const, path }];
  return new ReloadStep({ byDefault: null, node: null, trusted }, () => null).status().node_certificates;
}

it('a file of CA certificates shows the one that ends first', () => {
  const status = shown(root.cert + other.cert);
  expect(status).toMatchObject({ state: 'in_sync', detail: '' });
  expect(status?.files).toMatchObject([{ uses: ['trusted_ca'], not_after: END.toISOString() }]);
});

it("the system's bundle is left out: some of it has always ended", () => {
  expect(shown(root.cert.repeat(11))).toBeUndefined();
});

it.each(['', 'no certificate'])('a file that holds nothing is shown as one that cannot be read', (text) => {
  expect(shown(text)?.files).toMatchObject([{ not_after: null, fingerprint_sha256: null }]);
});
