import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, test } from 'vitest';
import { startGateway, type GatewayOptions } from '../../gateway';
import { issue, secretsIn } from '../../support/bundles';
import { cli, ENVIRONMENT, EXECUTABLE, start } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { testFolder, writePair } from '../../support/folders';
import { hanging } from '../../support/hanging';

interface Finding {
  check: string;
  verdict: 'ok' | 'warn' | 'fail' | 'skip';
  detail: string;
  fix: string | null;
}

interface Examined {
  code: number | null;
  stdout: string;
  of: (check: string) => Finding[];
}

async function doctor(...args: string[]): Promise<Examined> {
  const { code, stdout, stderr } = await cli('doctor', '--json', ...args);
  expect(stderr).toBe('');
  const { passed, findings } = JSON.parse(stdout) as { passed: boolean; findings: Finding[] };
  expect(passed).toBe(code === 0);
  for (const { verdict, fix } of findings) expect(fix === null).toBe(verdict === 'ok' || verdict === 'skip');
  return { code, stdout, of: (check) => findings.filter((finding) => finding.check === check) };
}

async function startedGateway() {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  return gateway;
}

const COMMAND = `env PATH=${ENVIRONMENT.PATH} ${EXECUTABLE}`;

/** A Kong that starts the plugin's real server, with the plugin enabled for a folder with one certificate. */
async function healthy(options: GatewayOptions = {}) {
  const prefix = join(testFolder(), 'prefix');
  mkdirSync(prefix);
  const certs = testFolder();
  const pair = issue();
  writePair(certs, 'www', pair);
  const gateway = await startGateway({
    mode: 'database',
    prefix,
    pluginServers: [
      {
        name: 'ssl-cert-reloader',
        queryCommand: `${COMMAND} -dump`,
        startCommand: `env TOKEN=open-sesame PATH=${ENVIRONMENT.PATH} ${EXECUTABLE} -p ${prefix}`,
      },
    ],
    ...options,
    env: { log_level: 'info', ...options.env },
  });
  onTestFinished(() => gateway.stop());
  const enable = (config: object, more: object = {}) =>
    fetch(`${gateway.adminUrl}/plugins`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'ssl-cert-reloader', config, ...more }),
    });
  return { gateway, prefix, certs, pair, enable };
}

it('finds nothing wrong with a Kong that is in order', async () => {
  const { prefix, certs, enable } = await healthy();
  await enable({ sources: [{ type: 'directory', path: certs }] });
  await eventually('the plugin runs', async () => (await cli('status', '-p', prefix)).code === 0);
  const { code, of } = await doctor('-p', prefix);
  expect(code).toBe(0);
  for (const check of [
    ...['Node.js', 'Admin API', 'Kong', 'mode', 'plugin server', 'plugin entry', 'status'],
    ...['listeners', 'user', 'sources', 'log', 'clock'],
  ]) {
    expect([check, of(check).map(({ verdict }) => verdict)]).toEqual([check, of(check).map(() => 'ok')]);
    expect(of(check)).not.toEqual([]);
  }
});

it('shows no secret of Kong, of a start command or of a source', async () => {
  const { prefix, certs, pair } = await healthy();
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `sources: [{type: directory, path: ${certs}}]\nadmin: {token: very-secret}\n`);
  const { stdout } = await doctor('-p', prefix, '-c', config);
  const text = await cli('doctor', '-p', prefix, '-c', config);
  for (const secret of ['not-a-real-password', 'open-sesame', 'very-secret', ...secretsIn(pair.key)]) {
    expect(stdout + text.stdout + text.stderr).not.toContain(secret);
  }
});

test.for([
  ['a plugin that Kong does not know', { pluginServers: [] }, 'plugin server', 'does not know the plugin'],
  [
    'a query command that prints something other than JSON',
    { env: { pluginserver_ssl_cert_reloader_query_cmd: 'echo hello' } },
    'plugin server',
    'prints something other than JSON',
  ],
  [
    'a query command that is not found',
    { env: { pluginserver_ssl_cert_reloader_query_cmd: '/nowhere/node -dump' } },
    'plugin server',
    'ends with 127',
  ],
  [
    'a start command that is not there',
    { env: { pluginserver_ssl_cert_reloader_start_cmd: 'env A=open-sesame /nowhere/reloader' } },
    'plugin server',
    '/nowhere/reloader does not exist',
  ],
  ['a plugin that is not listed', { env: { plugins: 'bundled' } }, 'plugin server', 'plugins does not list'],
  ['a plugin without an entry', {}, 'plugin entry', 'no entry'],
  ['a data plane', { env: { role: 'data_plane' } }, 'mode', 'data plane'],
  [
    'a listener where nobody listens',
    { env: { proxy_listen: '127.0.0.1:1 ssl' } },
    'listeners',
    '127.0.0.1:1',
  ],
] as const)('fails for %s', async ([, options, check, sentence]) => {
  const { prefix } = await healthy(options);
  const { code, of } = await doctor('-p', prefix, '--run-query');
  expect(code).toBe(1);
  const failed = of(check).filter(({ verdict }) => verdict === 'fail');
  expect(failed.map(({ detail }) => detail).join('\n')).toContain(sentence);
});

it('warns, and fails for nothing, where root asks and the prefix is closed to the user that the plugin runs as', async () => {
  const { prefix } = await healthy({
    pluginServers: [
      { name: 'ssl-cert-reloader', queryCommand: `${COMMAND} -dump`, startCommand: '/bin/sleep 60' },
    ],
  });
  mkdirSync(join(prefix, 'client_body_temp'));
  writeFileSync(join(prefix, 'client_body_temp', 'ssl-cert-reloader-status.socket'), '');
  const found = (await doctor('-p', prefix)).of('plugin server');
  expect(found.map(({ verdict }) => verdict)).not.toContain('fail');
  expect(found.map(({ detail }) => detail).join()).toContain('the plugin works without it');
});

it('runs no query command of Kong unasked, and none that needs a shell', async () => {
  const trace = join(testFolder(), 'trace');
  const queryOf = (command: string) => ({ env: { pluginserver_ssl_cert_reloader_query_cmd: command } });
  const plain = await healthy(queryOf(`touch ${trace}`));
  const unasked = await doctor('-p', plain.prefix);
  expect(unasked.of('plugin server').map(({ detail }) => detail)).toContain(
    'plugin server ssl-cert-reloader has a query command (--run-query runs it, as Kong does at start)',
  );
  expect(existsSync(trace)).toBe(false);
  const clever = await healthy(queryOf(`echo [] ; touch ${trace}`));
  const asked = await doctor('-p', clever.prefix, '--run-query');
  expect(asked.of('plugin server').map(({ detail }) => detail)).toContain(
    'the query command of plugin server ssl-cert-reloader needs a shell and was not run',
  );
  expect(existsSync(trace)).toBe(false);
});

test.for([
  ['env A=b /bin/echo hello', 'prints something other'],
  [`/bin/echo '[{"Name": "ssl-cert-reloader"}]'`, 'answers its query'],
  [`/bin/echo "[{'quoted'}]"`, 'prints something other'],
  ['/bin/echo $HOME', 'needs a shell'],
  ['/bin/echo "$HOME"', 'needs a shell'],
  ['/bin/echo a>b', 'needs a shell'],
  ["/bin/echo 'a", 'needs a shell'],
  ['/bin/false', 'ends with 1'],
] as const)('takes the query command %s apart as a shell does: %s', async ([command, words]) => {
  const { prefix } = await healthy({ env: { pluginserver_ssl_cert_reloader_query_cmd: command } });
  const { of } = await doctor('-p', prefix, '--run-query');
  const details = of('plugin server').map(({ detail }) => detail);
  expect(details.join('\n')).toContain(words);
});

test.for([
  [
    'an Admin API that is open to the network',
    { admin_listen: '0.0.0.0:8001, 127.0.0.1:8444 ssl' },
    'Admin API',
    '0.0.0.0:8001',
  ],
  ['a log that hides the lines', { log_level: 'error' }, 'log', 'hides'],
  ['a Kong without TLS', { proxy_listen: '127.0.0.1:8000' }, 'listeners', 'not proven'],
  ['a control plane', { role: 'control_plane' }, 'mode', 'control plane'],
] as const)('warns of %s', async ([, env, check, sentence]) => {
  const { prefix, gateway } = await healthy({ env });
  const { of } = await doctor('-p', prefix, '--admin-url', gateway.adminUrl);
  const warned = of(check).filter(({ verdict }) => verdict === 'warn');
  expect(warned.map(({ detail }) => detail).join('\n')).toContain(sentence);
});

it('says what is wrong with an entry', async () => {
  const { prefix, enable, gateway } = await healthy();
  const post = (path: string, body: object) =>
    fetch(gateway.adminUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await post('/services', { name: 's1', url: 'http://127.0.0.1' });
  await post('/services/s1/plugins', { name: 'ssl-cert-reloader' });
  await enable({}, { enabled: false });
  const details = (await doctor('-p', prefix))
    .of('plugin entry')
    .map(({ verdict, detail }) => `${verdict} ${detail}`);
  expect(details.sort()).toEqual([
    expect.stringMatching(/^fail entry .+ is limited to a service/),
    expect.stringMatching(/^warn entry .+ is disabled/),
  ]);
});

it('counts what the gate says about the sources', async () => {
  const { prefix, certs } = await healthy();
  writePair(certs, 'bad', { chain: issue().chain, key: issue().key });
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `sources: [{type: directory, path: ${certs}}, {type: directory, path: /nowhere}]\n`);
  const details = (await doctor('-p', prefix, '-c', config)).of('sources');
  const text = details.map(({ verdict, detail }) => `${verdict} ${detail}`).join('\n');
  expect(text).toMatch(/warn .+: 2 bundles found, 1 good, 1 refused .key_mismatch./);
  expect(text).toMatch(/fail \/nowhere does not exist/);
});

it('says that a configuration is too large for the Admin API', async () => {
  const gateway = await startGateway({ mode: 'dbless', env: { nginx_admin_client_max_body_size: '1k' } });
  onTestFinished(() => gateway.stop());
  const certificates = Array.from({ length: 5 }, (_, index) => issue({ names: [`a${index}.example.test`] }));
  gateway.seed(
    certificates.map(({ chain, key }, index) => ({ cert: chain, key, snis: [`a${index}.example.test`] })),
  );
  const [finding] = (await doctor('-p', gateway.prefix)).of('size');
  expect(finding).toMatchObject({ verdict: 'fail', fix: expect.stringContaining('max_body_size') as string });
});

it('goes on where neither Kong nor its prefix can be seen', async () => {
  const { code, of } = await doctor('-p', '/nowhere');
  expect(code).toBe(1);
  expect(of('Admin API')).toMatchObject([{ verdict: 'fail' }]);
  expect(of('size')).toMatchObject([{ verdict: 'skip', detail: 'Kong does not answer' }]);
  expect(of('Node.js')[0]).toMatchObject({ verdict: 'ok' });
});

// Kong starts an installed file by itself, so there is no sidecar.
const isInstalled = existsSync('/usr/local/bin/ssl-cert-reloader');

it.skipIf(isInstalled)(
  'knows a sidecar that is not there (needs no /usr/local/bin/ssl-cert-reloader)',
  async () => {
    const dump = join(testFolder(), 'dump.json');
    const made = await start(['-dump']).ended;
    writeFileSync(dump, made.stdout);
    chmodSync(dump, 0o644);
    const { prefix } = await healthy({
      pluginServers: [{ name: 'ssl-cert-reloader', queryCommand: `cat ${dump}` }],
      env: { log_level: 'notice' },
    });
    const { of } = await doctor('-p', prefix);
    const [missing] = of('plugin server').filter(({ verdict }) => verdict === 'fail');
    expect(missing?.fix).toContain('run --serve-plugin');
    // Its lines are on its own standard error, whatever Kong's level is.
    expect(of('log')).toMatchObject([{ verdict: 'ok' }]);
  },
);

it('an Admin API that takes connections and never answers costs seconds, and is named', async () => {
  const { url } = await hanging();
  const startedAt = performance.now();
  const { of, code } = await doctor('-p', testFolder(), '--admin-url', url, '--allow-http');
  expect(code).toBe(1);
  expect(of('Admin API')[0]).toMatchObject({
    verdict: 'fail',
    fix: expect.stringContaining("Kong's error log") as string,
  });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

it.each<[what: string, admin: string, fix: RegExp]>([
  ['a token file that is not there', 'token_file: /nowhere/token', /create that file.*admin\.token_file/],
  ['a token that is a vault reference', 'token: "{vault://env/token}"', /correct admin\.token/],
  ['a CA file that is not there', 'ca_file: /nowhere/ca.pem', /create that file.*admin\.ca_file/],
  ['a port that nobody listens on', 'url: "http://127.0.0.1:1"', /start Kong/],
])('%s: the fix is about that', async (_, admin, fix) => {
  const { prefix } = await startedGateway();
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `admin: { ${admin} }\nsources: [{ type: directory, path: ${testFolder()} }]\n`);
  const [finding] = (await doctor('-p', prefix, '-c', config)).of('Admin API');
  expect(finding).toMatchObject({ verdict: 'fail', fix: expect.stringMatching(fix) as string });
});

it('an Admin API that wants a login: the fix names the fields for it', async () => {
  const gateway = await startedGateway();
  gateway.inject({ status: 401, times: Infinity });
  const [finding] = (await doctor('-p', gateway.prefix)).of('Admin API');
  expect(finding).toMatchObject({
    verdict: 'fail',
    fix: expect.stringContaining('admin.token_file') as string,
  });
});

it('an entry whose own Admin API cannot be asked is not in order', async () => {
  const { prefix, enable } = await healthy();
  await enable({ admin: { token: '{vault://env/token}' } });
  const [finding] = (await doctor('-p', prefix)).of('plugin entry');
  expect(finding).toMatchObject({
    verdict: 'fail',
    detail: expect.stringContaining('vault reference') as string,
    fix: expect.stringContaining('admin.token') as string,
  });
});

it('sees that GET / answers 500 where an ingress controller needs it, and what it could do better', async () => {
  const { prefix, enable, gateway } = await healthy();
  await enable({});
  const post = (path: string, body: object) =>
    fetch(gateway.adminUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await doctor('-p', prefix)).of('controller')).toMatchObject([{ verdict: 'skip' }]);
  await post('/routes', { name: 'shop', paths: ['/'], tags: ['k8s-kind:Ingress'] });
  const { code, of } = await doctor('-p', prefix);
  expect(code).toBe(1);
  expect(of('controller')[0]).toMatchObject({
    verdict: 'fail',
    detail: expect.stringContaining('GET / of the Admin API answers 500') as string,
    fix: expect.stringContaining('sidecar') as string,
  });
  const { id } = gateway.entities('plugins')[0] ?? expect.fail('no entry');
  await fetch(`${gateway.adminUrl}/plugins/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ enabled: false }),
  });
  expect((await doctor('-p', prefix)).of('plugin entry')[0]?.fix).toContain('KongClusterPlugin');
});
