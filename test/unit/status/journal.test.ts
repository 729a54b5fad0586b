import { expect, it } from 'vitest';
import { Journal } from '../../../src/status';
import { toJson } from '../../../src/common/safe-text';
import type { PassEvent } from '../../../src/model';
import { issue, secretsIn } from '../../support/bundles';
import { reportOf } from '../../support/reports';

it('errors are shown without keys, tokens and passwords', () => {
  const journal = new Journal(() => 0);
  const { key } = issue();
  const error = `${key} was refused by https://kong:s3cr3t@127.0.0.1:8001 (Kong-Admin-Token: s3cr3t)`;
  journal.failed('poll', new Error(error));
  const event: PassEvent = {
    bundle: 'b',
    location: '/certs/www.crt',
    fingerprint: null,
    notAfter: null,
    snis: [],
    outcome: { kind: 'failed', certificate: 'c1', error, failure: 'away' },
  };
  journal.pass(reportOf({ events: [event], unfinished: 'failed' }));
  journal.failed('retry', new Error(error));
  const shown = toJson([journal.lastPass, journal.events]);
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});
