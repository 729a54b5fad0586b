import { describe, expect, it, test } from 'vitest';
import { refusal, type Outcome, type PassEvent, type PassReport, type Proof } from '../../../src/model';
import { LogReporter, type Fields, type Level } from '../../../src/report';
import { reportOf } from '../../support/reports';

type Line = { level: Level; message: string } & Fields;

function reporting() {
  const lines: Line[] = [];
  const logger = {
    log: (level: Level, message: string, fields: Fields = {}) => lines.push({ level, message, ...fields }),
  };
  return { lines, reporter: new LogReporter(logger, { entry: 'e1' }) };
}

const passed = (more: Partial<PassReport> = {}) =>
  reportOf({ durationMs: 12.6, bundles: 3, inSync: 1, refused: 1, unused: 1, ...more });

const eventOf = (outcome: Outcome, more: Partial<PassEvent> = {}): PassEvent => ({
  bundle: 'memory#www',
  location: '/certs/www.crt',
  fingerprint: 'AA:BB',
  notAfter: Date.parse('2026-08-01T00:00:00Z'),
  snis: ['www.test'],
  outcome,
  ...more,
});

const proof = (verdict: Proof['verdict'], detail = ''): Proof => ({
  verdict,
  servedFingerprint: 'CC:DD',
  handshakes: 4,
  durationMs: 7.4,
  detail,
});

describe('the log', () => {
  it('is silent where nothing happened', () => {
    const { reporter, lines } = reporting();
    for (let poll = 0; poll < 5; poll++) void reporter.pass(passed());
    expect(lines).toEqual([]);
  });

  it('sums the first pass up', () => {
    const { reporter, lines } = reporting();
    void reporter.pass(passed({ cause: 'start' }));
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'first pass done',
        entry: 'e1',
        bundles: 3,
        in_sync: 1,
        refused: 1,
        unused: 1,
        duration_ms: 13,
      },
    ]);
  });

  test.for<[string, Outcome, Partial<Line>]>([
    [
      'a swap that is proven',
      { kind: 'swapped', certificate: 'K', how: 'swapped', proof: proof('served') },
      {
        level: 'info',
        message: 'certificate swapped',
        certificate_id: 'K',
        proof: 'served',
        handshakes: 4,
        proof_ms: 7,
      },
    ],
    [
      'a certificate that was created',
      { kind: 'swapped', certificate: 'K', how: 'created', proof: null },
      { level: 'info', message: 'certificate created', proof: 'off' },
    ],
    [
      'a swap that nobody could be asked about',
      { kind: 'swapped', certificate: 'K', how: 'swapped', proof: proof('unreachable', 'no listener') },
      { level: 'info', proof: 'unreachable', proof_detail: 'no listener' },
    ],
    [
      'a swap that is not served and stays',
      { kind: 'swapped', certificate: 'K', how: 'swapped', proof: proof('wrong', 'it serves CC:DD') },
      { level: 'error', message: 'certificate swapped', proof: 'wrong', proof_detail: 'it serves CC:DD' },
    ],
    [
      'a rollback',
      { kind: 'rolled_back', certificate: 'K', proof: proof('wrong', 'it serves CC:DD'), restored: true },
      {
        level: 'error',
        message: 'certificate rolled back',
        served_fingerprint_sha256: 'CC:DD',
        detail: 'it serves CC:DD',
      },
    ],
    [
      'a rollback that failed',
      { kind: 'rolled_back', certificate: 'K', proof: proof('wrong'), restored: false },
      { level: 'error', message: 'rollback failed' },
    ],
    [
      'what would be swapped',
      { kind: 'would_change', certificate: 'K', created: false },
      { level: 'info', message: 'certificate would be swapped', certificate_id: 'K' },
    ],
    [
      'what would be created',
      { kind: 'would_change', certificate: 'K', created: true },
      { level: 'info', message: 'certificate would be created' },
    ],
    [
      'a refusal',
      { kind: 'refused', refusal: refusal('expired', 'it expired') },
      { level: 'warn', reason: 'expired', detail: 'it expired' },
    ],
    [
      'a write that failed',
      { kind: 'failed', certificate: 'K', error: 'no answer', failure: 'away' },
      { level: 'error', message: 'swap failed; it is tried again', certificate_id: 'K', error: 'no answer' },
    ],
  ])('has one line for %s, with where it is from and whose it is', ([, outcome, expected]) => {
    const { reporter, lines } = reporting();
    void reporter.pass(passed({ events: [eventOf(outcome)] }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      entry: 'e1',
      bundle: 'memory#www',
      location: '/certs/www.crt',
      fingerprint_sha256: 'AA:BB',
      not_after: '2026-08-01T00:00:00.000Z',
      snis: ['www.test'],
      cause: 'poll',
      ...expected,
    });
  });

  it('leaves out what is not known of a bundle', () => {
    const { reporter, lines } = reporting();
    const event = eventOf(
      { kind: 'refused', refusal: refusal('incomplete', 'cut off') },
      { fingerprint: null, notAfter: null },
    );
    void reporter.pass(passed({ events: [event] }));
    expect(lines[0]).not.toHaveProperty('fingerprint_sha256');
    expect(lines[0]).not.toHaveProperty('not_after');
  });

  it('names ten SNIs of a certificate with hundreds', () => {
    const { reporter, lines } = reporting();
    const snis = Array.from({ length: 300 }, (_, index) => `host-${index}.test`);
    void reporter.pass(
      passed({ events: [eventOf({ kind: 'would_change', certificate: 'K', created: false }, { snis })] }),
    );
    expect(lines[0]?.['snis']).toEqual(snis.slice(0, 10));
  });

  it('has a line for each source that cannot be read whole', () => {
    const { reporter, lines } = reporting();
    void reporter.pass(
      passed({ sourceErrors: [{ source: 'directory:/c', refusal: refusal('unreadable', 'gone') }] }),
    );
    expect(lines).toMatchObject([
      { level: 'warn', source: 'directory:/c', reason: 'unreadable', detail: 'gone' },
    ]);
  });
});

describe('a pass that fails', () => {
  it('is said once, however often it is tried again', () => {
    const { reporter, lines } = reporting();
    for (let retry = 0; retry < 5; retry++) reporter.failed('retry', new Error('Kong is away'));
    expect(lines).toEqual([
      {
        level: 'error',
        message: 'a pass failed; it is tried again',
        entry: 'e1',
        cause: 'retry',
        error: 'Kong is away',
      },
    ]);
  });

  it('is said again when it fails in another way, and after a pass went well', () => {
    const { reporter, lines } = reporting();
    reporter.failed('poll', new Error('connection refused'));
    reporter.failed('poll', new Error('500'));
    void reporter.pass(passed());
    reporter.failed('poll', new Error('500'));
    expect(lines.map((line) => line['error'] ?? line.message)).toEqual([
      'connection refused',
      '500',
      'passes succeed again',
      '500',
    ]);
  });
});
