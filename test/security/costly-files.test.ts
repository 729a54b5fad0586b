import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkKeyAndChain, checkShape, inspectFiles, toPem, type OpenedBundle } from '../../src/certificates';
import { detectFile } from '../../src/certificates/formats/detect';
import { parseFile } from '../../src/certificates/formats/parse';
import { isRefusal, REASONS, type Refusal } from '../../src/model';
import { filesOfEveryFormat, rsaIssuer } from '../support/format-files';
import { corpus, type Hostile } from '../fuzz/corpus';
import { hostileCertificates } from '../fuzz/hostile-certificates';
import { isReadable } from '../fuzz/run';
import { surgeries } from '../fuzz/surgery';
import { WorkCounter, type Work } from '../fuzz/work';

/** On the event loop: 10 ns a step, 500 ns a native block, so 20 ms in all. */
const ON_THE_LOOP: Work = { steps: 200_000, native: 30_000, octets: 8 * 1024 * 1024 };
/** In the thread: 1.5 s in all. */
const IN_THE_THREAD: Work = { steps: 8_000_000, native: 2_500_000, octets: 8 * 1024 * 1024 };

let counter: WorkCounter;
beforeAll(async () => {
  counter = await WorkCounter.start();
});
afterAll(() => counter.stop());

const files = filesOfEveryFormat(rsaIssuer().issue({ names: ['www.example.test'], key: 'rsa-2048' }));

const exceeds = (done: Work, limit: Work) =>
  (['steps', 'native', 'octets'] as const).some((what) => done[what] > limit[what]);

type Outcome = OpenedBundle | Refusal;

/** The plugin's handling of a file. */
async function gate({ cert, key, password }: Hostile): Promise<Outcome> {
  const given = key.length === 0 ? {} : { key };
  const { opened } = await inspectFiles({ location: '/certs/www', cert, password, ...given });
  if (isRefusal(opened)) return opened;
  return checkShape(opened.bundle, Date.now()) ?? checkKeyAndChain(opened) ?? opened;
}

/** Work on the event loop and in the thread for some files together. */
async function costOf(batch: readonly Hostile[]): Promise<{ outcomes: Outcome[]; problem: string | null }> {
  await counter.take();
  const outcomes: Outcome[] = [];
  for (const hostile of batch) outcomes.push(await gate(hostile));
  const onTheLoop = await counter.take();
  for (const { cert, key, password } of batch) {
    for (const bytes of [cert, key]) {
      try {
        parseFile(detectFile(bytes.toString('latin1')), { password, alias: undefined });
      } catch {
        // Refused: it is the work that counts.
      }
    }
  }
  const inTheThread = await counter.take();
  const problem = exceeds(onTheLoop, ON_THE_LOOP)
    ? `${JSON.stringify(onTheLoop)} on the event loop`
    : exceeds(inTheThread, IN_THE_THREAD)
      ? `${JSON.stringify(inTheThread)} in the thread`
      : null;
  return { outcomes, problem };
}

/** @returns what is broken where files together cost more than one may: the counting itself takes long */
async function costly(batch: readonly Hostile[]): Promise<string[]> {
  const problems: string[] = [];
  for (const hostile of batch) {
    const { problem } = await costOf([hostile]);
    if (problem !== null) problems.push(`${hostile.name}: ${problem}`);
  }
  return problems;
}

/** @returns which rule is broken, or null */
function brokenBy(outcome: Outcome): string | null {
  if (!isRefusal(outcome)) return isReadable(toPem(outcome)) ? null : 'OpenSSL cannot use what Kong gets';
  if (!(outcome.reason in REASONS)) return `${outcome.reason} is not a reason`;
  // eslint-disable-next-line no-control-regex
  const isPlain = !/[\0-\x1f\x7f-\x9f]/.test(outcome.message) && outcome.message.length <= 1_000;
  return isPlain ? null : `it says ${JSON.stringify(outcome.message.slice(0, 200))}`;
}

it('none of the hostile files costs more work or memory than it may, and what passes the gate is a pair', async () => {
  const all = [...corpus(files), ...surgeries(files), ...hostileCertificates()];
  expect(all.length).toBeGreaterThan(3_000);
  const failures: string[] = [];
  for (let at = 0; at < all.length; at += 20) {
    const batch = all.slice(at, at + 20);
    const { outcomes, problem } = await costOf(batch);
    if (problem !== null) failures.push(...(await costly(batch)));
    for (const [index, outcome] of outcomes.entries()) {
      const rule = brokenBy(outcome);
      if (rule !== null) failures.push(`${batch[index]?.name}: ${rule}`);
    }
  }
  expect(failures).toEqual([]);
}, 600_000);

it.each(hostileCertificates())('$name: $outcome', async (hostile) => {
  const outcome = await gate(hostile);
  expect(isRefusal(outcome) ? outcome.reason : 'passes').toBe(hostile.outcome);
});

it('the counter sees work that is done', async () => {
  await counter.take();
  await gate({
    name: '',
    password: '',
    cert: Buffer.from('-----BEGIN X-----\n'.repeat(1_000)),
    key: Buffer.alloc(0),
  });
  const few = await counter.take();
  const [pem] = files as [(typeof files)[number]];
  await gate({ name: '', password: '', cert: pem.cert, key: pem.key ?? Buffer.alloc(0) });
  const more = await counter.take();
  expect(more.steps).toBeGreaterThan(few.steps + 100);
  expect(more.native).toBeGreaterThan(1_000);
});
