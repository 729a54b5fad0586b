import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, it, test } from 'vitest';
import { replaceFile } from '../../../src/common/replace-file';
import { toStored, toTexts } from '../../../src/gateway/admin/entities';
import { Failure } from '../../../src/model';
import { DeclarativeFile } from '../../../src/write-back';
import { issue, secretsIn } from '../../support/bundles';
import { testFolder } from '../../support/folders';

const ID = '11111111-1111-4111-8111-111111111111';
const aged = (minutes: number) => issue({ notBefore: new Date(Date.now() - minutes * 60_000) });
const [old, renewed] = [aged(60), aged(10)];
const entity = { id: ID, cert: renewed.chain, key: renewed.key, snis: ['www.example.test'] };
const text = ({ chain, key }: { chain: string; key: string }) =>
  `certificates:\n- id: ${ID}\n  cert: ${JSON.stringify(chain)}\n  key: ${JSON.stringify(key)}\n`;

const errno = (code: string) => Object.assign(new Error(`${code}: no`), { code });

/** A file and a Kong that has the renewed certificate. `onAsked` runs while Kong is asked for its texts. */
function writing(
  onAsked: () => void = () => undefined,
  replace?: typeof replaceFile,
  kongUsers?: () => ReadonlySet<number>,
) {
  const folder = testFolder();
  const path = join(folder, 'kong.yml');
  writeFileSync(path, text(old), { mode: 0o640 });
  const textsOf = () => {
    onAsked();
    return Promise.resolve(toTexts(entity));
  };
  const writeBack = (at: string | null) => new DeclarativeFile(textsOf, at, kongUsers, replace);
  return { folder, path, writeBack, certificates: [toStored(entity)] };
}

it('replaces the file whole, with its mode, and leaves nothing else behind', async () => {
  const { folder, path, writeBack, certificates } = writing();
  const before = statSync(path);
  const one = writeBack(path);
  expect(one.isDue).toBe(true);
  expect(await one.run(certificates)).toEqual({
    file: path,
    written: [ID],
    left: [],
    trouble: null,
    isOpen: false,
    isTransient: false,
  });
  expect(readFileSync(path, 'utf8')).toBe(text(renewed));
  expect(statSync(path).mode).toBe(before.mode);
  expect(statSync(path).ino).not.toBe(before.ino);
  expect(readdirSync(folder)).toEqual(['kong.yml']);
  expect(one.isDue).toBe(false);
});

it.each([
  [0o644, 0o640],
  [0o666, 0o660],
  [0o604, 0o600],
])('closes a file of mode %o that everybody can read, and says so', async (mode, closed) => {
  const { path, writeBack, certificates } = writing();
  chmodSync(path, mode);
  const report = await writeBack(path).run(certificates);
  expect(report.written).toEqual([ID]);
  expect(report.closed).toContain(
    `(mode 0${mode.toString(8)}); it holds private keys and has mode 0${closed.toString(8)} now`,
  );
  expect(statSync(path).mode & 0o777).toBe(closed);
});

it('leaves a file alone that everybody can read and that Kong could not read otherwise', async () => {
  const { path, writeBack, certificates } = writing(undefined, undefined, () => new Set([54_321]));
  chmodSync(path, 0o644);
  const report = await writeBack(path).run(certificates);
  expect(report).toMatchObject({ written: [], isTransient: false });
  expect(report.trouble).toContain(
    'everybody can read it (mode 0644), and it would hold private keys; close it',
  );
  expect(readFileSync(path, 'utf8')).toBe(text(old));
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

it('follows links to the file that they lead to', async () => {
  const { folder, path, writeBack, certificates } = writing();
  const link = join(folder, 'link.yml');
  symlinkSync('kong.yml', link);
  expect((await writeBack(link).run(certificates)).written).toEqual([ID]);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe(text(renewed));
});

it('removes a draft with keys that a killed process left', async () => {
  const { folder, path, writeBack, certificates } = writing();
  writeFileSync(path, text(renewed));
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(folder, `.kong.yml.ssl-cert-reloader-${pid}`), text(renewed).slice(0, 500));
  await writeBack(path).run(certificates);
  expect(readdirSync(folder)).toEqual(['kong.yml']);
});

it('does not write where nothing is to be changed', async () => {
  const { path, writeBack, certificates } = writing();
  writeFileSync(path, text(renewed));
  const before = statSync(path);
  expect((await writeBack(path).run(certificates)).written).toEqual([]);
  expect(statSync(path).ino).toBe(before.ino);
});

it('does not write what changed since it was read, and edits that the next time', async () => {
  let isFirst = true;
  const { path, writeBack, certificates } = writing(() => {
    if (isFirst) appendFileSync(path, '# by somebody else\n');
    isFirst = false;
  });
  const one = writeBack(path);
  expect(await one.run(certificates)).toMatchObject({ written: [], isOpen: true, trouble: null });
  expect(readFileSync(path, 'utf8')).toBe(`${text(old)}# by somebody else\n`);
  expect(one.isDue).toBe(true);
  expect((await one.run(certificates)).written).toEqual([ID]);
  expect(readFileSync(path, 'utf8')).toBe(`${text(renewed)}# by somebody else\n`);
});

it('notices that somebody wrote to the file', async () => {
  const { path, writeBack, certificates } = writing();
  const one = writeBack(path);
  await one.run(certificates);
  writeFileSync(path, text(old));
  expect(one.isDue).toBe(true);
  expect((await one.run(certificates)).written).toEqual([ID]);
});

test.for<[string, (path: string) => void, RegExp]>([
  ['is not there', (path) => chmodSync(path, 0o600), /missing\.yml is not written: it does not exist/],
  ['is a folder', (path) => mkdirSync(join(path, '..', 'missing.yml')), /it is not a file/],
  [
    'is no YAML',
    (path) => writeFileSync(join(path, '..', 'missing.yml'), `key: "${old.key}`),
    /it is not YAML that can be edited/,
  ],
])('a file that %s is said to be', async ([, prepare, message]) => {
  const { folder, path, writeBack, certificates } = writing();
  prepare(path);
  const { trouble, written } = await writeBack(join(folder, 'missing.yml')).run(certificates);
  expect(trouble).toMatch(message);
  for (const secret of secretsIn(old.key)) expect(trouble).not.toContain(secret);
  expect(written).toEqual([]);
});

test.for<[string, RegExp]>([
  ['EROFS', /mounted read-only \(a ConfigMap always is\)/],
  ['EACCES', /permission denied; the user that Kong runs as/],
  ['EBUSY', /mount of its own; mount its folder instead/],
  ['EIO', /the disk reports an error/],
])('%s is explained', async ([code, message]) => {
  const { path, writeBack, certificates } = writing(undefined, () => {
    throw Object.assign(new Error(`${code}: no, open '/somewhere'`), { code });
  });
  const one = writeBack(path);
  const { trouble } = await one.run(certificates);
  expect(trouble).toMatch(message);
  expect(one.isDue).toBe(false);
});

it('a Kong without a declarative file has none to write to', async () => {
  const { writeBack, certificates } = writing();
  const one = writeBack(null);
  expect((await one.run(certificates)).trouble).toContain('set write_back_file');
  expect(one.isDue).toBe(false);
});

it('a text that cannot be put in place leaves the former one and no draft', () => {
  const folder = testFolder();
  const path = join(folder, 'file');
  writeFileSync(path, 'former');
  const before = statSync(path);
  expect(replaceFile(path, 'new', before, () => false)).toBe(false);
  expect(() => replaceFile(join(folder, 'no', 'file'), 'new', before)).toThrow(/ENOENT/);
  expect(readFileSync(path, 'utf8')).toBe('former');
  expect(readdirSync(folder)).toEqual(['file']);
});

it.for([
  [
    'Kong answers 503',
    new Failure('away', 'the Admin API answered GET /certificates/K with 503: busy'),
    /answered .* 503/,
    true,
  ],
  ['the disk is full', errno('ENOSPC'), /the disk is full/, true],
  ['there is no descriptor left', errno('EMFILE'), /no file descriptor left/, true],
  ['its folder may not be written', errno('EACCES'), /permission denied/, true],
  ['the text is not to be edited', new Error('it is not YAML that can be edited'), /not YAML/, false],
] as const)(
  'where %s is said in a sentence, with whether it is worth another try',
  async ([, error, sentence, isTransient]) => {
    const { path, writeBack, certificates } = writing(() => {
      throw error;
    });
    const report = await writeBack(path).run(certificates);
    expect(report).toMatchObject({ written: [], isTransient });
    expect(report.trouble).toMatch(sentence);
    expect(report.trouble).not.toMatch(/\b(ENOSPC|EMFILE|EACCES|ADMIN_STATUS)\b/);
  },
);

it('a text for which there is no room leaves the former one and no draft', () => {
  const folder = testFolder();
  const path = join(folder, 'file');
  writeFileSync(path, 'former');
  const program = join(folder, 'program.cjs');
  buildSync({
    stdin: {
      contents: `import { replaceFile } from './src/common/replace-file';
        import { statSync } from 'node:fs';
        try {
          replaceFile(process.argv[2], 'x'.repeat(100_000), statSync(process.argv[2]));
        } catch (error) {
          console.log(error.code);
        }`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    platform: 'node',
    outfile: program,
  });
  // A limit on the size of files does what a full disk does: the first part is written, the rest is not.
  const { stdout } = spawnSync('sh', ['-c', `ulimit -f 64; exec "$0" "$@"`, process.execPath, program, path]);
  expect(String(stdout)).toBe('EFBIG\n');
  expect(readFileSync(path, 'utf8')).toBe('former');
  expect(readdirSync(folder).sort()).toEqual(['file', 'program.cjs']);
});
