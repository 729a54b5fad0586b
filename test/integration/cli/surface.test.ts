import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { program } from '../../../src/cli/command';
import { explain } from '../../../src/cli/explain';
import { REASONS } from '../../../src/model';
import { startGateway } from '../../gateway';
import { issue } from '../../support/bundles';
import { cli, Command, ENVIRONMENT, EXECUTABLE, start } from '../../support/cli';
import { testFolder } from '../../support/folders';

const COMMANDS = program().commands.map((command) => command.name());

test.for(COMMANDS)('%s explains itself: exit codes, examples, and a place in docs/cli.md', async (name) => {
  const { code, stdout } = await cli(name, '--help');
  expect(code).toBe(0);
  expect(stdout).toContain('Exit codes:');
  expect(stdout).toMatch(/Examples:\n +\$ .*ssl-cert-reloader/);
  expect(readFileSync('docs/cli.md', 'utf8')).toContain(`## ${name}`);
});

test('every command but those that go on has --json', () => {
  const without = program()
    .commands.filter(({ options }) => !options.some(({ long }) => long === '--json'))
    .map((command) => command.name());
  expect(without).toEqual(['run', 'completion']);
});

it('is the query command of Kong before 3.9 by its name', () => {
  const link = join(testFolder(), 'query_ssl-cert-reloader');
  symlinkSync(EXECUTABLE, link);
  const text = execFileSync(link, [], { env: ENVIRONMENT, encoding: 'utf8' });
  expect(JSON.parse(text)).toMatchObject([{ Name: 'ssl-cert-reloader' }]);
});

const isThere = (program: string) => spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;

/** Runs it on a terminal of its own. */
async function onTerminal(args: readonly string[], columns: number, env: Record<string, string> = {}) {
  const command = `stty cols ${columns}; ${EXECUTABLE} ${args.join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...ENVIRONMENT, TERM: 'xterm', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { stdout } = await new Command(child).ended;
  return stdout.replaceAll('\r', '');
}

/** And without the progress, which is wiped out. */
// eslint-disable-next-line no-control-regex
const withoutColours = (text: string) => text.replace(/^.*\x1b\[K/gm, '').replace(/\x1b\[[0-9;]*[mK]/g, '');

describe.skipIf(!isThere('script'))('on a terminal (needs `script`)', () => {
  async function refused() {
    const gateway = await startGateway({ mode: 'database' });
    onTestFinished(() => gateway.stop());
    const folder = testFolder();
    const { chain } = issue({ names: Array.from({ length: 6 }, (_, index) => `host-${index}.example.test`) });
    writeFileSync(join(folder, 'a.crt'), chain);
    writeFileSync(join(folder, 'a.key'), issue().key);
    const config = join(folder, 'reloader.yml');
    writeFileSync(config, `sources: [{type: directory, path: ${folder}}]\n`);
    return ['plan', '-c', config, '-p', gateway.prefix];
  }

  test.for([80, 120])('no line is wider than its %i columns', async (columns) => {
    const text = await onTerminal(await refused(), columns);
    expect(text).toContain('\x1b[31mrefused');
    for (const line of withoutColours(text).split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('there are no colours where NO_COLOR is set', async () => {
    const text = await onTerminal(await refused(), 80, { NO_COLOR: '1' });
    expect(text).toContain('refused');
    expect(text).not.toContain('\x1b[31m');
  });
});

describe('completion', () => {
  it.for(['bash', 'zsh', 'fish'] as const)('%s gets every command', async (shell) => {
    const { code, stdout } = await cli('completion', shell);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(stdout).toContain(name);
  });

  it('of another shell ends with 1', async () => {
    expect(await cli('completion', 'cmd')).toMatchObject({ code: 1, stdout: '' });
  });

  test.for([
    ['s', ['sync', 'status']],
    ['plan --ad', ['--admin-url']],
    ['status --', ['--prefix', '--socket', '--url', '--allow-http', '--watch', '--poll', '--json', '--help']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['inspect ', []],
    ['drill --sni ', []],
  ] as const)('bash completes "%s"', async ([line, expected]) => {
    const { stdout } = await cli('completion', 'bash');
    const words = ['ssl-cert-reloader', ...line.split(' ')];
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const script = `${stdout}\ncompopt() { :; }\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}\n_ssl_cert_reloader; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const offered = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
    expect(offered.sort()).toEqual([...expected].sort());
  });

  it.skipIf(!isThere('fish'))('fish completes commands and options (needs fish)', async () => {
    const { stdout } = await cli('completion', 'fish');
    const ask = (line: string) =>
      execFileSync('fish', ['-c', `${stdout}\ncomplete -C '${line}'`], {
        encoding: 'utf8',
        env: { ...process.env, HOME: testFolder() },
      });
    expect(ask('ssl-cert-reloader dri')).toContain('drill');
    expect(ask('ssl-cert-reloader plan --ad')).toContain('--admin-url');
  });

  it.skipIf(!isThere('zsh'))('zsh takes the script (needs zsh)', async () => {
    const { stdout } = await cli('completion', 'zsh');
    const folder = testFolder();
    mkdirSync(join(folder, 'f'));
    const path = join(folder, 'f', '_ssl-cert-reloader');
    writeFileSync(path, stdout);
    chmodSync(path, 0o644);
    const script = `fpath=(${join(folder, 'f')} $fpath); autoload -Uz compinit; compinit -u -d ${join(folder, 'dump')}; autoload -Uz +X _ssl-cert-reloader; print -r -- $_comps[ssl-cert-reloader]`;
    const text = execFileSync('zsh', ['-f', '-c', script], { encoding: 'utf8' });
    expect(text.trim()).toBe('_ssl-cert-reloader');
  });
});

test.for<[word: string, ...texts: string[]]>([
  ['key_mismatch', 'The key does not belong to the leaf', 'What to do'],
  ['verify.timeout', 'Default', '10'],
  ['sources[0].password_file', 'holds the password'],
  ['no_source', 'no source has anything for it'],
  ['no source', 'no source has anything for it'],
  ['KongCertificateExpired', '## Fix'],
  ['pin', 'An operator pinned the name', 'ssl-cert-reloader unpin NAME'],
  ['unpin', 'An operator pinned the name'],
  ['held', 'is not written yet'],
  ['waits', 'is not written yet'],
  ['approve', 'waits for a person'],
  ['freeze', 'It is the time of a freeze', 'Windows in which only urgent swaps are made'],
  ['rollback', 'An operator restored', 'Restores the previous certificate'],
  ['overdue', 'a tenth of the time'],
])('explain %s tells it without a file', async ([word, ...texts]) => {
  const { code, stdout } = await cli('explain', ...word.split(' '));
  expect(code).toBe(0);
  for (const text of texts) expect(stdout).toContain(text);
});

test.for<[word: string, ...texts: string[]]>([
  ['key_mismatch', '  含义      私钥与叶子证书不匹配', '\n  处理方法  '],
  ['verify.timeout', '默认值', '10', '秒之内开始使用新证书'],
  ['mended', '不再被拒绝'],
  ['KongCertificateExpired', '## 处理'],
])('explain %s tells it in Chinese where the locale is Chinese', async ([word, ...texts]) => {
  const chinese = { ...ENVIRONMENT, LANG: 'en_US.UTF-8', LC_ALL: 'zh_CN.UTF-8' };
  const { code, stdout } = await start(['explain', word], chinese).ended;
  expect(code).toBe(0);
  for (const text of texts) expect(stdout).toContain(text);
  const json = await start(['explain', word, '--json'], chinese).ended;
  expect(json.stdout).not.toMatch(/\p{Script=Han}/u);
});

test.for(Object.keys(REASONS))('the reason %s can be explained', (reason) => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  explain(reason, {}, 'en');
  explain(reason, {}, 'zh');
  write.mockRestore();
  expect(lines.join('')).toMatch(/What to do[^]*处理方法/);
});

it('a word that is not known is told with the nearest one', async () => {
  const { code, stderr } = await cli('explain', 'key_mismach');
  expect([code, stderr]).toEqual([
    1,
    'ssl-cert-reloader: error: key_mismach is not a reason, an option, a state or an alert, did you mean key_mismatch?\n',
  ]);
});
