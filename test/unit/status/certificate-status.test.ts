import { expect, it } from 'vitest';
import { refusal } from '../../../src/model';
import { certificateStatus } from '../../../src/status/certificate-status';
import { issue, secretsIn } from '../../support/bundles';
import { reloaderView } from '../../support/status-views';

it('the refusal of a certificate is shown without keys and passwords, whatever it says', () => {
  const { key } = issue();
  const why = refusal('key_mismatch', `${key} of https://kong:s3cr3t@127.0.0.1:8001 is not its key`);
  const status = certificateStatus(
    {
      certificate: null,
      half: 'main',
      stored: null,
      bundle: null,
      bundleId: 'b',
      seen: undefined,
      state: 'refused',
      refusal: { why, since: 0 },
      isStanding: true,
    },
    { now: 0, pendingNote: null, sourceOf: () => '', since: () => 0, swappedAt: () => undefined },
  );
  const shown = JSON.stringify(status);
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});

it('the trouble of a source is shown without keys and passwords, whatever it says', () => {
  const { key } = issue();
  const why = refusal('unreachable', `https://kong:s3cr3t@vault.test answered ${key}`);
  const shown = JSON.stringify(reloaderView([], 'E', why).status());
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});
