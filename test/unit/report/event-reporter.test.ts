import { expect, it } from 'vitest';
import { refusal, type PassReport } from '../../../src/model';
import { EventReporter } from '../../../src/report';
import { issue, secretsIn } from '../../support/bundles';

const { key } = issue();
const message = `${key} of https://kong:s3cr3t@127.0.0.1:8001 is not its key`;
const why = refusal('key_mismatch', message);

it('an Event on a Secret holds no key and no password, whatever the refusal says', () => {
  const posted: object[] = [];
  const reporter = new EventReporter(
    (_, event) => {
      posted.push(event);
      return Promise.resolve();
    },
    { log: () => undefined },
  );
  reporter.pass({
    events: [
      {
        bundle: 'b',
        location: 'web/www',
        fingerprint: null,
        notAfter: null,
        snis: [],
        secret: { uid: 'u', namespace: 'web', name: 'www' },
        outcome: { kind: 'refused', refusal: why },
      },
    ],
  } as unknown as PassReport);
  expect(posted).toHaveLength(1);
  const shown = JSON.stringify(posted);
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});
