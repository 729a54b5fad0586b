import { expect, it } from 'vitest';
import { Journal } from '../../../src/status';
import { toJson } from '../../../src/common/safe-text';
import { issue, secretsIn } from '../../support/bundles';

it('errors are shown without keys, tokens and passwords', () => {
  const journal = new Journal(() => 0);
  const { key } = issue();
  const error = `${key} was refused by https://kong:s3cr3t@127.0.0.1:8001 (Kong-Admin-Token: s3cr3t)`;
  journal.failed('poll', new Error(error));
  journal.pass({
    cause: 'poll',
    startedAt: 0,
    durationMs: 1,
    bundles: 1,
    inSync: 0,
    read: 1,
    refused: 0,
    unused: 0,
    events: [
      {
        bundle: 'b',
        location: '/certs/www.crt',
        fingerprint: null,
        notAfter: null,
        snis: [],
        outcome: { kind: 'failed', certificate: 'c1', error, failure: 'away' },
      },
    ],
    mendedSources: [],
    sourceErrors: [],
    failures: [],
    waiting: [],
    notes: [],
    bundleNotes: [],
    strays: [],
    unfinished: 'failed',
    nextAt: null,
  });
  journal.failed('retry', new Error(error));
  const shown = toJson([journal.lastPass, journal.events]);
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});
