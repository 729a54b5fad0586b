import { expect, it } from 'vitest';
import { refusal } from '../../../src/model';
import { certificateStatus } from '../../../src/status/certificate-status';
import { toJson } from '../../../src/common/safe-text';
import { issue, secretsIn } from '../../support/bundles';
import { leafOf, NOW } from '../../support/plans';
import { matched, reloaderView } from '../../support/status-views';

const DAY_MS = 86_400_000;

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
      failure: null,
      dropped: [],
      hold: null,
      note: null,
    },
    {
      now: 0,
      warningDays: [],
      pendingNote: null,
      sourceOf: () => '',
      since: () => 0,
      swappedAt: () => undefined,
    },
  );
  const shown = toJson(status);
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});

it('the trouble of a source is shown without keys and passwords, whatever it says', () => {
  const { key } = issue();
  const why = refusal('unreachable', `https://kong:s3cr3t@vault.test answered ${key}`);
  const shown = toJson(reloaderView([], 'E', why).status());
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});

it.for([
  ['a later time that is known', 70, NOW + 5 * DAY_MS, false],
  ['an earlier time that is known', 50, NOW - 5 * DAY_MS, true],
  ['2/3 of its life, no other time being known', 70, undefined, true],
] as const)('a renewal is overdue by %s', ([, age, renewalAt, isOverdue]) => {
  const one = matched('www');
  const leaf = leafOf({ age });
  const status = reloaderView([
    {
      certificate: { ...one.certificate, main: { ...one.certificate.main, leaf } },
      bundle: { ...one.bundle, leaf, ...(renewalAt === undefined ? {} : { renewalAt }) },
    },
  ]).status();
  expect(status.certificates).toMatchObject([{ renewal_overdue: isOverdue }]);
});

it('the renewal time of what a source has says nothing about a newer one in Kong', () => {
  const { certificate, bundle } = matched('www');
  const view = reloaderView([
    {
      certificate: { ...certificate, main: { ...certificate.main, leaf: leafOf({ age: 1 }) } },
      bundle: { ...bundle, leaf: leafOf({ age: 70 }), renewalAt: NOW - DAY_MS },
    },
  ]);
  expect(view.status().certificates).toMatchObject([{ renewal_overdue: false }]);
});
