import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { startGateway } from '../../gateway';
import { issue, secretsIn } from '../../support/bundles';
import { cli, Command, ENVIRONMENT, EXECUTABLE, start } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { hanging } from '../../support/hanging';
import { testFolder, writePair } from '../../support/folders';
import { leafOf, servedLeaf } from '../../support/tls';

const days = (count: number) => new Date(Date.now() + count * 86_400_000);
const WWW = 'www.example.test';

/** A Kong with an old certificate, and a folder with a newer one. */
async function renewed(mode: 'database' | 'dbless') {
  const old = issue({ names: [WWW], notBefore: days(-60), notAfter: days(30) });
  const fresh = issue({ names: [WWW], notAfter: days(90) });
  const gateway = await startGateway({ mode });
  onTestFinished(() => gateway.stop());
  gateway.seed([{ cert: old.chain, key: old.key, snis: [WWW] }]);
  const certs = testFolder();
  writePair(certs, 'www', fresh);
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `sources:\n- type: directory\n  path: ${certs}\n`);
  return { gateway, certs, config, old, fresh, args: ['-c', config, '-p', gateway.prefix] };
}

describe.each(['database', 'dbless'] as const)('a Kong in mode %s', (mode) => {
  it('is shown what would be swapped, left alone by the plan, and swapped by sync', async () => {
    const { gateway, args, old, fresh } = await renewed(mode);
    const before = gateway.requests.length;
    const planned = await cli('plan', ...args);
    expect(planned).toMatchObject({ code: 2, stderr: '' });
    expect(planned.stdout).toMatch(/swap +www\.example\.test.+is valid until \d{4}/);
    expect(gateway.requests.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(old.cert));

    const synced = await cli('sync', ...args);
    expect(synced).toMatchObject({ code: 0, stderr: '' });
    expect(synced.stdout).toMatch(/swapped +www\.example\.test.+served \(4 handshakes/);
    expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(fresh.cert));
    expect(await cli('plan', ...args)).toMatchObject({ code: 0, stderr: '' });
  });

  it('gets JSON and nothing else where that is asked for, in a pipe without colours', async () => {
    const { args, certs, fresh } = await renewed(mode);
    writePair(certs, 'bad', { chain: issue({ names: ['bad.example.test'] }).chain, key: issue().key });
    for (const command of ['plan', 'sync']) {
      const { stdout } = await cli(command, ...args, '--json');
      const [pass] = JSON.parse(stdout) as { events: { kind: string; reason?: string }[] }[];
      const kinds = pass?.events.map(({ kind, reason }) => reason ?? kind).sort();
      expect(kinds).toEqual(['key_mismatch', command === 'plan' ? 'would_change' : 'swapped']);
      expect(stdout).not.toContain('\x1b');
      for (const secret of secretsIn(fresh.key)) expect(stdout).not.toContain(secret);
    }
  });
});

it('the plan announces no swap that would be refused when it is written', async () => {
  const { args, certs } = await renewed('database');
  writePair(certs, 'www', { chain: issue({ names: [WWW] }).chain, key: issue().key });
  const { code, stdout } = await cli('plan', ...args);
  expect(code).toBe(2);
  expect(stdout).toContain('(key_mismatch)');
  expect(stdout).not.toMatch(/^swap/m);
});

it('the plan says that Kong would not take what it announces', async () => {
  const gateway = await startGateway({ mode: 'dbless', env: { nginx_admin_client_max_body_size: '8k' } });
  onTestFinished(() => gateway.stop());
  const certs = testFolder();
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    writePair(certs, name, issue({ names: [`${name}.example.test`] }));
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `sources: [{ type: directory, path: ${certs} }]`);
  const { stdout, code } = await cli('plan', '-c', config, '-p', gateway.prefix);
  expect(code).toBe(2);
  expect(stdout).toMatch(/too large: .* raise nginx_admin_client_max_body_size \(8k\)/);
  gateway.inject({ method: 'POST', path: /^\/config/, status: 413, times: Infinity });
  const synced = await cli('sync', '-c', config, '-p', gateway.prefix);
  expect(synced.code).toBe(1);
  // One sentence, once.
  expect(synced.stdout.match(/larger than Kong takes/g)).toHaveLength(1);
  expect(synced.stdout).toContain('and 4 more certificates');
});

it('an address on the command line is asked instead of the one in the file', async () => {
  const { args, config, certs, gateway } = await renewed('database');
  writeFileSync(
    config,
    `admin: { url: 'http://127.0.0.1:1' }\nsources: [{ type: directory, path: ${certs} }]\n`,
  );
  expect(await cli('plan', ...args, '--admin-url', gateway.adminUrl)).toMatchObject({ code: 2, stderr: '' });
});

it.each(['plan', 'sync'])('an interruption of %s says what was done', async (command) => {
  const { args } = await renewed('database');
  const { url, isAsked } = await hanging();
  const child = start([command, ...args, '--admin-url', url, '--allow-http']);
  await eventually('it waits for Kong', isAsked);
  child.child.kill('SIGINT');
  const { code, stderr } = await child.ended;
  expect([code, stderr]).toEqual([130, 'ssl-cert-reloader: error: interrupted: nothing was changed\n']);
});

it.each(['plan', 'sync', 'drill', 'doctor'])(
  'an interruption of %s says so before Kong has answered for the first time',
  async (command) => {
    const { gateway } = await renewed('database');
    const { url, isAsked } = await hanging();
    const child = start([command, '-p', gateway.prefix, '--admin-url', url, '--allow-http']);
    await eventually('it waits for Kong', isAsked);
    child.child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    expect([code, stderr]).toEqual([130, 'ssl-cert-reloader: error: interrupted: nothing was changed\n']);
  },
);

it('a source that cannot be read is an error of its own, and the others are checked', async () => {
  const { config, gateway, certs } = await renewed('database');
  writeFileSync(
    config,
    `sources:\n- {type: directory, path: /nowhere}\n- {type: directory, path: ${certs}}\n`,
  );
  const { code, stdout } = await cli('plan', '-c', config, '-p', gateway.prefix);
  expect(code).toBe(1);
  expect(stdout).toMatch(/unread.+\/nowhere/);
  expect(stdout).toMatch(/swap +www/);
});

it('a list of configurations is gone through one by one', async () => {
  const { gateway, certs } = await renewed('database');
  const config = join(testFolder(), 'several.yml');
  const item = (path: string) => `- sources: [{type: directory, path: ${path}}]\n`;
  writeFileSync(config, item(certs) + item(testFolder()));
  const { code, stdout } = await cli('plan', '-c', config, '-p', gateway.prefix);
  expect(code).toBe(2);
  expect(stdout).toContain('several.yml#1');
  expect(stdout).toContain('several.yml#2');
});

it('a list of configurations of which one cannot be run: the others are, and it is told', async () => {
  const { gateway, certs, fresh } = await renewed('database');
  const config = join(testFolder(), 'several.yml');
  const item = `- sources: [{type: directory, path: ${certs}}]\n`;
  writeFileSync(config, `${item}- admin: {token_file: /nowhere}\n${item}`);
  const { code, stdout } = await cli('sync', '-c', config, '-p', gateway.prefix, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject([
    { entry: 'several.yml#1', events: [{ kind: 'swapped' }] },
    { entry: 'several.yml#2', error: 'admin.token_file: /nowhere cannot be read: it does not exist (yet)' },
    { entry: 'several.yml#3', in_sync: 1 },
  ]);
  expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(fresh.cert));
  const planned = await cli('plan', '-c', config, '-p', gateway.prefix);
  expect(planned).toMatchObject({ code: 1, stderr: '' });
  expect(planned.stdout).toContain('several.yml#2\nfailed  admin.token_file: /nowhere');
});

test.for([
  ['a mistyped command', ['paln'], 'Did you mean plan?'],
  ['an option before the command', ['--json', 'plan'], 'unexpected argument --json: the command comes first'],
  ['a mistyped option alone', ['--hepl'], 'the command comes first'],
  [
    'a variable that is not set',
    ['plan', '-c', ''],
    "'-c, --config <file>' argument '' is invalid. It is empty.",
  ],
  ['something that is not an address', ['plan', '--admin-url', 'ftp://kong'], 'Give http://HOST:PORT'],
  [
    'another host in clear',
    ['plan', '--admin-url', 'http://192.0.2.1:8001'],
    'use https, or set admin.allow_http',
  ],
  ['an address of another protocol', ['status', '--url', 'unix:/x'], 'Give http://HOST:PORT'],
  ['a name that Kong does not take', ['drill', '--sni', 'bücher.invalid'], 'Give a DNS name'],
  ['a name that is an address', ['drill', '--sni', '10.0.0.1'], 'Give a DNS name'],
  ['a mistyped option', ['plan', '--jsn'], 'Did you mean --json?'],
  ['a Kong that is not there', ['plan', '-p', '/nowhere'], '/nowhere/.kong_env does not exist'],
  ['a file that is not there', ['sync', '-c', '/nowhere.yml'], '/nowhere.yml: cannot be read (ENOENT)'],
] as const)('%s ends with 1 and a sentence', async ([, args, sentence]) => {
  const { code, stdout, stderr } = await cli(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(sentence);
  expect(stderr).toMatch(/^ssl-cert-reloader: error: /);
});

test.for([
  [['plan', '-p', '/nowhere'], '/nowhere/.kong_env does not exist'],
  [['sync', '-c', '/nowhere.yml'], '/nowhere.yml: cannot be read (ENOENT)'],
  [['drill', '-p', '/nowhere'], '/nowhere/.kong_env does not exist'],
  [['inspect', '/nowhere.pem'], '/nowhere.pem: cannot be read (ENOENT)'],
  [['status', '-p', '/nowhere'], 'the socket does not exist'],
  [['plan', '--jsn'], "unknown option '--jsn'"],
  [['inspect'], "missing required argument 'file'"],
  [['plan', '--admin-url', 'http://user:s3cret@'], 'Give http://HOST:PORT'],
  [['plan', '--admin-url', 'http://user:s3cret@127.0.0.1:8001'], 'put them into admin.headers_file'],
  [['plan', '--admin-url', 'user:s3cret@127.0.0.1:8001'], 'put them into admin.headers_file'],
] as const)('%j with --json has its error as JSON on standard output, too', async ([args, sentence]) => {
  const { code, stdout, stderr } = await cli(...args, '--json');
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: string };
  expect(error).toContain(sentence);
  expect(error).not.toMatch(/^error:/);
  expect(stderr).toContain(sentence);
  expect(stdout + stderr).not.toContain('s3cret');
});

test.skipIf(!existsSync('/dev/full'))(
  'a full disk is an error with a sentence (needs /dev/full)',
  async () => {
    const child = spawn('/bin/sh', ['-c', `${EXECUTABLE} completion bash > /dev/full`], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stderr } = await new Command(child).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'ssl-cert-reloader: error: standard output cannot be written (ENOSPC)\n',
    });
  },
);

test.for<[text: string, ...lines: string[]]>([
  [
    'sources:\n- type: directory\n  path: /c\n  pth: /c\n',
    ':4: sources[0].pth: unknown field; did you mean path?',
  ],
  ['- intervall: 3\n', ':1: intervall: unknown field; did you mean interval?'],
  ['- {}\n- verify: { timeout: x }\n', ':2: verify.timeout: expected an integer'],
  [
    'interval: 5m\nmode: aply\nsources:\n- type: file\n',
    ':1: interval: expected an integer, got 5m: write 300, the number of seconds',
    ':2: mode: expected one of: apply, approve, observe, did you mean apply?',
    ':4: sources[0].cert: required field missing',
  ],
  ['_format_version: "3.0"\nplugins: []\n', ":1: config: this is Kong's declarative configuration"],
  ['[]\n', ': the list is empty'],
  ['admin:\n  token: open-sesame\n  url: [\n', ':4:1: this is not valid YAML (bad indent)'],
  ['admin: { token: open-sesame: x }\n', ':1:17: this is not valid YAML (block in flow)'],
])('the file %j is refused with each place and what is wrong there', async ([text, ...lines]) => {
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, text);
  const { code, stderr } = await cli('plan', '-c', config);
  expect(code).toBe(1);
  for (const line of lines) expect(stderr).toContain(`${config}${line}`);
  expect(stderr).not.toContain('open-sesame');
});
