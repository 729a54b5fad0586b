import { expect, it, test } from 'vitest';
import { REASONS, refusal, type Outcome, type PassReport, type Reason } from '../../src/model';
import { EventReporter } from '../../src/report';

const OTHERS = 'shop.other-tenant.test of other-tenant/tls';

/** The text of the Event about an outcome. */
function toldOf(outcome: Outcome): string {
  const posted: object[] = [];
  const reporter = new EventReporter((_, body) => Promise.resolve(posted.push(body)), {
    log: () => undefined,
  });
  const secret = { namespace: 'mine', name: 'tls', uid: 'u' };
  const event = {
    bundle: 'b',
    location: 'mine/tls',
    fingerprint: 'AA',
    notAfter: null,
    snis: [],
    secret,
    outcome,
  };
  reporter.pass({ events: [event] } as unknown as PassReport);
  return JSON.stringify(posted);
}

const ABOUT_OTHERS: readonly Reason[] = [
  'sni_taken',
  'name_of_another',
  'names_not_covered',
  'issuer_changed',
  'not_served',
];

test.for(ABOUT_OTHERS)('an Event about %s tells a tenant its own part and nothing of others', (reason) => {
  const told = toldOf({ kind: 'refused', refusal: refusal(reason, `the name belongs to ${OTHERS}`) });
  expect(told).toContain(REASONS[reason]);
  expect(told).not.toContain('other-tenant');
});

it('an Event about a rollback does not say what is served instead', () => {
  const proof = {
    verdict: 'wrong',
    servedFingerprint: 'BB',
    handshakes: 1,
    durationMs: 1,
    detail: OTHERS,
    unserved: [],
  } as const;
  const told = toldOf({ kind: 'rolled_back', certificate: 'c', proof, restored: true });
  expect(told).toContain('CertificateRolledBack');
  expect(told).not.toContain('other-tenant');
});

it('an Event about its own content says what is wrong', () => {
  expect(toldOf({ kind: 'refused', refusal: refusal('key_mismatch', 'tls.key is of another') })).toContain(
    'tls.key is of another',
  );
});
