import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { NO_KNOWLEDGE } from '../../../src/model';
import { KnowledgeFile, type Knowledge, type KnowledgeHead } from '../../../src/status';
import { listReport, parseListQuery } from '../../../src/status/list';
import { renderMetrics } from '../../../src/status/metrics';
import { certificateFacts, type CertificateFacts } from '../../../src/status/facts';
import { ReloaderPresenter } from '../../../src/status/reloader-view';
import { entry, PLACE, remembered } from '../../support/known-entry';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';
import { NOW } from '../../support/plans';
import { reportView } from '../../support/status-views';

const saved = async (count?: number) => {
  const { show } = entry(count);
  const file = new KnowledgeFile(join(testFolder(), 'known'));
  await file.save(show.knowledge(PLACE)!);
  return { show, file, path: file.path };
};

it('an entry looks after a restart as it did before it, in status, metrics and on the page', async () => {
  const { show, file } = await saved();
  const before = show.view();
  const { view, kept } = await remembered(file);
  expect(kept.head).toMatchObject(PLACE);
  expect(view.status()).toEqual({ ...before.status(), last_pass: null, is_current: false });
  const certificateLines = async (one: typeof view) =>
    (await renderMetrics(reportView([one]))).split('\n').filter((line) => line.includes('certificate'));
  expect(await certificateLines(view)).toEqual(await certificateLines(before));
  const query = parseListQuery(new URLSearchParams({ open: 'c4.test', state: 'unproven' }));
  const pages = await Promise.all([view, before].map((one) => listReport(reportView([one]), query)));
  expect(pages[0]!.certificates).toEqual(pages[1]!.certificates);
  expect(pages[0]!.opened).toMatchObject({
    names: pages[1]!.opened!.names,
    issuer: pages[1]!.opened!.issuer,
    key_type: pages[1]!.opened!.key_type,
  });
});

it('time goes on for what is known', async () => {
  const { file } = await saved();
  const { memory } = await remembered(file);
  const later = new ReloaderPresenter({
    ...{ entry: 'E', mode: 'apply', intervalSeconds: 300, memory, live: () => NO_KNOWLEDGE },
    now: () => NOW + 400 * 86_400_000,
  } as const);
  const lives = new Set([...later.view(false).certificates()].map(({ expiry }) => expiry));
  expect(lives).toEqual(new Set(['expired']));
});

it('what was seen to be wrong stays wrong until somebody looks again, and what was served is looked at anew', async () => {
  const { file } = await saved();
  const { memory } = await remembered(file);
  const { live } = entry();
  const states = new Map(
    [...certificateFacts(live, memory.served)].map(({ certificate, state }) => [certificate?.id, state]),
  );
  expect(states.get('c2.test')).toBe('not_served');
  expect(states.get('c4.test')).toBe('unproven');
});

it('the time of the file is the time of the last pass that found nothing new, and never in the future', async () => {
  const { file, path } = await saved();
  const knownAt = async (at: number) => {
    utimesSync(path, at / 1000, at / 1000);
    return (await remembered(file)).view.known_at;
  };
  expect(await knownAt(NOW - 500)).toBe(new Date(NOW - 500).toISOString());
  expect(await knownAt(NOW - 900_000)).toBe(new Date(NOW - 1_000).toISOString());
  expect(await knownAt(NOW + 900_000)).toBe(new Date(NOW).toISOString());
});

it('is private, and whole or not there', async () => {
  const { path } = await saved();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(path, '..'))).toEqual(['known']);
});

it('whatever a line is changed into is refused or shown without harm', async () => {
  const { file, path } = await saved();
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const junk = [
    null,
    -1,
    1e300,
    'x',
    '\u001b[31m<script>',
    [],
    [null],
    {},
    { a: 1 },
    true,
    '9999-99-99T00:00:00Z',
  ];
  let [refused, shown] = [0, 0];
  const tries = async (changed: readonly string[]) => {
    writeFileSync(path, `${changed.join('\n')}\n`);
    let one;
    try {
      one = await remembered(file);
    } catch (error) {
      expect((error as Error).message).toBe('it is damaged, or of another version');
      refused += 1;
      return;
    }
    shown += 1;
    const report = reportView([one.view]);
    expect(await renderMetrics(report)).not.toContain('\u001b');
    await listReport(report, parseListQuery(new URLSearchParams({ open: 'c4.test' })));
    one.view.status();
  };
  for (const at of [0, 2, 5, lines.length - 2, lines.length - 1]) {
    const record = JSON.parse(lines[at]!) as Record<string, unknown>;
    for (const name of Object.keys(record))
      for (const value of junk) await tries(lines.with(at, JSON.stringify({ ...record, [name]: value })));
    for (const cut of [1, lines[at]!.length / 2]) await tries(lines.with(at, lines[at]!.slice(0, cut)));
    await tries(lines.toSpliced(at, 1));
    await tries(lines.toSpliced(at, 0, lines[at]!));
  }
  expect(refused).toBeGreaterThan(100);
  expect(shown).toBeGreaterThan(20);
});

it('ten thousand certificates are written and read while others get their turn', async () => {
  const { show } = entry(10_000);
  const knowledge = show.knowledge(PLACE)!;
  const file = new KnowledgeFile(join(testFolder(), 'known'));
  let turns = 0;
  const count = setInterval(() => (turns += 1), 1);
  await file.save(knowledge);
  const whileSaved = turns;
  const kept = await file.load(NOW);
  clearInterval(count);
  expect(kept!.certificates).toHaveLength(10_001);
  expect(whileSaved).toBeGreaterThan(5);
  expect(turns - whileSaved).toBeGreaterThan(5);
  expect(statSync(file.path).size).toBeLessThan(10_000_000);
});

it('a certificate with a strange date or an endless name costs its own line alone', async () => {
  const { show, live } = entry(4);
  const leaf = (id: string) =>
    live.certificates.get(id)!.main.leaf as unknown as { notBefore: number; names: string[] };
  leaf('c0.test').notBefore = Date.UTC(1000, 0, 1);
  leaf('c3.test').names = ['x'.repeat(20_000)];
  const { head, certificates } = show.knowledge(PLACE)!;
  const event = {
    at: new Date(NOW).toISOString(),
    kind: 'refused',
    certificate_id: null,
    location: 'a/b',
  } as const;
  const rest = { fingerprint_sha256: null, reason: null, detail: '' };
  const events = ['x'.repeat(20_000), 'c1.test'].map((sni) => ({ ...event, ...rest, snis: [sni] }));
  const file = new KnowledgeFile(join(testFolder(), 'known'));
  await file.save({ head: { ...head, events }, certificates });
  const kept = (await file.load(NOW))!;
  const ids = kept.certificates.map(({ facts }) => facts.certificate?.id ?? '');
  expect(ids).toEqual(expect.arrayContaining(['c1.test', 'c2.test']));
  expect(ids).not.toContain('c0.test');
  expect(ids).not.toContain('c3.test');
  expect(kept.head.events).toHaveLength(1);
});

it('a file without room stays as it was', async () => {
  const { file, path } = await saved(3);
  const { show } = entry(3);
  const knowledge = show.knowledge(PLACE)!;
  const [first] = [...knowledge.certificates()];
  const tooMany: Knowledge = {
    ...knowledge,
    certificates: () => Array.from({ length: 100_000 }, () => first as readonly [CertificateFacts, never]),
  };
  const before = readFileSync(path);
  await expect(file.save(tooMany)).rejects.toThrow('32 MiB');
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(join(path, '..'))).toEqual(['known']);
});

/** A program that writes the file of a certificate's facts again and again, with as many as it is told. */
async function writer(folder: string) {
  const program = join(folder, 'program.cjs');
  await build({
    stdin: {
      contents: `import { KnowledgeFile } from './src/status/knowledge-file';
        const [path, facts, head, count] = process.argv.slice(2).map((one, index) => index === 0 ? one : JSON.parse(one));
        const file = new KnowledgeFile(path);
        const rows = Array.from({ length: count }, () => [facts, { source: 'src', since: 1, swappedAt: null }]);
        (async () => {
          for (;;) await file.save({ head, certificates: () => rows });
        })().catch((error) => { console.log(error.code); process.exit(1); });`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    platform: 'node',
    outfile: program,
  });
  const { show } = entry(3);
  const { head, certificates } = show.knowledge(PLACE)!;
  const facts = [...certificates()].at(-1)![0];
  const args = (path: string, count: number) =>
    [
      program,
      path,
      JSON.stringify(facts),
      JSON.stringify(head satisfies KnowledgeHead),
      String(count),
    ] as const;
  return args;
}

it('a process that is killed while it writes leaves a whole file', async () => {
  const folder = testFolder();
  const args = await writer(folder);
  const path = join(folder, 'known');
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, args(path, 2_000), { stdio: 'ignore' });
    const isDraft = () => readdirSync(folder).some((name) => name.startsWith('.known'));
    await eventually('it has written, and writes again', () => existsSync(path) && isDraft());
    child.kill('SIGKILL');
    await once(child, 'close');
    expect((await new KnowledgeFile(path).load(NOW))!.certificates).toHaveLength(2_000);
    expect(isDraft()).toBe(false);
  }
});

it('on a full disk the former file stays, and nothing else', async () => {
  const folder = testFolder();
  const args = await writer(folder);
  const { file, path } = await saved(3);
  const before = readFileSync(path);
  // A limit on the size of files does what a full disk does.
  const { stdout } = spawnSync('sh', [
    '-c',
    'ulimit -f 64; exec "$0" "$@"',
    process.execPath,
    ...args(path, 2_000),
  ]);
  expect(String(stdout)).toBe('EFBIG\n');
  expect(readFileSync(path)).toEqual(before);
  expect(await file.load(NOW)).not.toBeNull();
  expect(readdirSync(join(path, '..'))).toEqual(['known']);
});
