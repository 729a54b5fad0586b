import { expect, it } from 'vitest';
import type { Fields, Log, Outcome, PassReport } from '../../../src/model';
import type { ReloaderStatus } from '../../../src/public';
import { Passes, type Step } from '../../../src/pass';
import { WriteBackStep, type DeclarativeFile } from '../../../src/write-back';
import { NOW } from '../../support/plans';

type Found = Awaited<ReturnType<DeclarativeFile['run']>>;

const WRITTEN: Found = {
  file: '/kong.yml',
  written: ['K'],
  left: [],
  trouble: null,
  isOpen: false,
  isTransient: false,
};

/** Passes whose only step beside write-back says what happened in Kong. */
function writing({ observe = false } = {}) {
  const file = { isDue: false, found: WRITTEN, runs: 0 };
  const declarative = {
    get isDue() {
      return file.isDue;
    },
    run: () => {
      file.runs += 1;
      return Promise.resolve(file.found);
    },
  } as unknown as DeclarativeFile;
  const live = () => ({ plan: null, certificates: new Map() }) as never;
  const step = new WriteBackStep(declarative, live);
  const outcomes: Outcome[] = [];
  const kong: Step = {
    run: ({ report }) => {
      const facts = { bundle: 'b', location: '', fingerprint: null, notAfter: null, snis: [] };
      report.events.push(...outcomes.splice(0).map((outcome) => ({ ...facts, outcome })));
      return Promise.resolve();
    },
  };
  const clock = { now: NOW };
  const passes = new Passes({ steps: [kong, step], observe, now: () => clock.now });
  const lines: [string, string, Fields | undefined][] = [];
  const log: Log = (...line) => void lines.push(line as (typeof lines)[number]);
  let status: Partial<ReloaderStatus> = {};
  return {
    clock,
    file,
    lines,
    step,
    status: () => status.declarative_file,
    pass: async (...happened: Outcome[]): Promise<PassReport> => {
      outcomes.push(...happened);
      const report = await passes.run('poll');
      status = step.status(status);
      step.log(log);
      return report;
    },
  };
}

const swapped: Outcome = { kind: 'swapped', certificate: 'K', how: 'swapped', proof: null };

it('the file is written when a certificate was swapped or rolled back, or somebody wrote to the file', async () => {
  const { file, pass } = writing();
  await pass();
  await pass({ kind: 'failed', certificate: 'K', error: 'no', failure: 'away' });
  expect(file.runs).toBe(0);
  await pass(swapped);
  expect(file.runs).toBe(1);
  file.isDue = true;
  await pass();
  expect(file.runs).toBe(2);
});

it('a dry run leaves the file alone', async () => {
  const { file, pass } = writing({ observe: true });
  file.isDue = true;
  await pass(swapped);
  expect(file.runs).toBe(0);
});

it('the status shows the last trouble and when the file was last written', async () => {
  const { file, pass, status } = writing();
  expect(status()).toBeUndefined();
  await pass(swapped);
  const written = { file: '/kong.yml', written_at: new Date(NOW).toISOString(), trouble: null, left: [] };
  expect(status()).toEqual(written);
  await pass();
  expect(status()).toEqual(written);
  file.found = {
    ...WRITTEN,
    written: [],
    left: [{ certificate: 'K', why: 'it is a reference' }],
    trouble: 'read-only',
  };
  await pass(swapped);
  const left = [{ certificate_id: 'K', why: 'it is a reference' }];
  expect(status()).toEqual({ ...written, trouble: 'read-only', left });
});

it('another configuration of the same entry still shows when the file was last written', () => {
  const { step } = writing();
  const before = { file: '/kong.yml', written_at: '2026-01-01T00:00:00.000Z', trouble: null, left: [] };
  expect(step.status({ declarative_file: before })).toEqual({ declarative_file: before });
});

it('the log has a line for each certificate that was written, and one for each trouble until it is over', async () => {
  const { file, pass, lines } = writing();
  await pass(swapped);
  await pass();
  expect(lines.splice(0)).toEqual([
    ['info', 'declarative file up to date', { file: '/kong.yml', certificate_id: 'K' }],
  ]);
  file.found = { ...WRITTEN, written: [], trouble: 'the disk is full' };
  await pass(swapped);
  await pass(swapped);
  expect(lines.splice(0)).toEqual([
    ['warn', 'declarative file not written', { file: '/kong.yml', detail: 'the disk is full' }],
  ]);
});

it('a file that is worth another try has the next pass come soon, and what was found is said', async () => {
  const { file, pass } = writing();
  file.found = { ...WRITTEN, isOpen: true };
  expect(await pass(swapped)).toMatchObject({
    unfinished: 'settling',
    notes: ['1 certificate put into /kong.yml'],
  });
});

it('a file that the machine did not let be written is tried again, though nothing changed, until it is', async () => {
  const { clock, file, pass } = writing();
  file.found = { ...WRITTEN, written: [], trouble: 'the disk is full', isTransient: true };
  const { nextAt } = await pass(swapped);
  expect(nextAt).toBe(NOW + 5_000);
  await pass();
  expect(file.runs).toBe(1);
  for (const waits of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    clock.now += waits - 1;
    expect((await pass()).nextAt).toBe(clock.now + 1);
    clock.now += 1;
    await pass();
  }
  expect(file.runs).toBe(7);
  file.found = WRITTEN;
  clock.now += 60_000;
  expect((await pass()).nextAt).toBeNull();
  clock.now += 60_000;
  await pass();
  expect(file.runs).toBe(8);
});

it('a clock that is set back does not put the next try off', async () => {
  const { clock, file, pass } = writing();
  file.found = { ...WRITTEN, written: [], trouble: 'the disk is full', isTransient: true };
  await pass(swapped);
  clock.now -= 86_400_000;
  await pass();
  expect(file.runs).toBe(2);
});
