import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { cli, ENVIRONMENT, EXECUTABLE, start } from '../support/cli';
import { testFolder, writePair } from '../support/folders';

/** A user without a name, who owns nothing else. */
const KONG = 54_321;
const isRoot = process.getuid?.() === 0;

/** Every user may enter the folder, as with /usr/local. */
function openFolder(): string {
  const folder = testFolder();
  chmodSync(folder, 0o755);
  return folder;
}

/** A Kong that was taken over by the user it runs as: everything in its prefix is that user's. */
async function takenOver(config: object, env: Record<string, string> = {}) {
  const prefix = join(openFolder(), 'prefix');
  mkdirSync(prefix, { mode: 0o755 });
  const queryCommand = `env PATH=${ENVIRONMENT.PATH} ${EXECUTABLE} -dump`;
  const pluginServers = [{ name: 'ssl-cert-reloader', queryCommand }];
  const gateway = await startGateway({ mode: 'database', prefix, pluginServers, env });
  onTestFinished(() => gateway.stop());
  const enabled = await fetch(`${gateway.adminUrl}/plugins`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ssl-cert-reloader', config }),
  });
  expect(enabled.status).toBe(201);
  chownSync(prefix, KONG, KONG);
  chownSync(join(prefix, '.kong_env'), KONG, KONG);
  return { prefix, gateway };
}

/** A kubeconfig whose credential plugin tells who ran it. */
function kubeconfig(folder: string, trace: string): string {
  const program = join(folder, 'plugin');
  writeFileSync(program, `#!/bin/sh\nid -u > ${trace}\necho '{"status": {"token": "t"}}'\n`, { mode: 0o755 });
  const path = join(folder, 'kubeconfig');
  const user = {
    name: 'u',
    user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: program } },
  };
  const cluster = { name: 'c', cluster: { server: 'https://127.0.0.1:1' } };
  const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
  const config = { clusters: [cluster], users: [user], contexts: [context], 'current-context': 'x' };
  writeFileSync(path, JSON.stringify(config), { mode: 0o644 });
  return path;
}

describe.skipIf(!isRoot)('root runs a command beside a Kong that was taken over [needs root]', () => {
  it.each([['plan'], ['sync'], ['doctor'], ['doctor', '--run-query']])(
    '%s %s: no credential plugin and no query command runs as root',
    async (...command) => {
      const trace = join(openFolder(), 'trace');
      const traces = [`${trace}-plugin`, `${trace}-query`];
      for (const file of traces) writeFileSync(file, '', { mode: 0o666 });
      for (const file of traces) chmodSync(file, 0o666);
      const theirs = openFolder();
      const path = kubeconfig(theirs, `${trace}-plugin`);
      const query = join(theirs, 'query');
      writeFileSync(query, `#!/bin/sh\nid -u > ${trace}-query\n`, { mode: 0o755 });
      for (const file of [theirs, path, query]) chownSync(file, KONG, KONG);
      const { prefix } = await takenOver(
        { sources: [{ type: 'kubernetes', kubeconfig: path, namespaces: ['a'] }] },
        {
          pluginserver_names: 'ssl-cert-reloader',
          pluginserver_ssl_cert_reloader_query_cmd: query,
          pluginserver_ssl_cert_reloader_start_cmd: query,
        },
      );
      const { stderr } = await cli(...command, '-p', prefix);
      expect(stderr).toContain(`runs as a user without a name (uid ${KONG}), to whom ${prefix} belongs`);
      for (const file of traces) expect(['', `${KONG}\n`]).toContain(readFileSync(file, 'utf8'));
      const ranQuery = readFileSync(`${trace}-query`, 'utf8') !== '';
      expect(ranQuery).toBe(command.includes('--run-query'));
    },
  );

  it('sync does not put the keys that only root can read into Kong', async () => {
    const certs = testFolder();
    writePair(certs, 'secret', issue());
    const { prefix, gateway } = await takenOver({ sources: [{ type: 'directory', path: certs }] });
    const { code } = await cli('sync', '-p', prefix);
    expect(code).toBe(1);
    const stored = (await (await fetch(`${gateway.adminUrl}/certificates`)).json()) as { data: unknown[] };
    expect(stored.data).toEqual([]);
  });

  it('sync puts what that user may read into Kong', async () => {
    const certs = openFolder();
    writePair(certs, 'www', issue());
    for (const file of ['www.crt', 'www.key']) chownSync(join(certs, file), KONG, KONG);
    const { prefix, gateway } = await takenOver({ sources: [{ type: 'directory', path: certs }] });
    const { code, stderr } = await cli('sync', '-p', prefix);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`uid ${KONG}`)]);
    const stored = (await (await fetch(`${gateway.adminUrl}/certificates`)).json()) as { data: unknown[] };
    expect(stored.data).toHaveLength(1);
  });

  it("sync reads root's keys where root's own file says so", async () => {
    const certs = testFolder();
    writePair(certs, 'www', issue());
    const { prefix } = await takenOver({ sources: [] });
    const file = join(testFolder(), 'reloader.yml');
    writeFileSync(file, JSON.stringify({ sources: [{ type: 'directory', path: certs }] }), { mode: 0o600 });
    expect(await cli('sync', '-p', prefix, '-c', file)).toMatchObject({ code: 0, stderr: '' });
  });

  it('a file of another user is obeyed as that user', async () => {
    const certs = testFolder();
    writePair(certs, 'www', issue());
    const { prefix } = await takenOver({ sources: [] });
    const folder = openFolder();
    const file = join(folder, 'reloader.yml');
    writeFileSync(file, JSON.stringify({ sources: [{ type: 'directory', path: certs }] }), { mode: 0o644 });
    chownSync(folder, KONG, KONG);
    const { code, stderr } = await cli('sync', '-p', prefix, '-c', file);
    expect(code).toBe(1);
    expect(stderr).toContain(`(uid ${KONG}), to whom ${folder} belongs`);
  });

  it("a file of root's is not obeyed as root where a link of another user leads to it", async () => {
    const certs = testFolder();
    writePair(certs, 'www', issue());
    const { prefix } = await takenOver({ sources: [] });
    const theirs = openFolder();
    const file = join(testFolder(), 'reloader.yml');
    writeFileSync(file, JSON.stringify({ sources: [{ type: 'directory', path: certs }] }), { mode: 0o644 });
    // Its owner can have it lead elsewhere at any moment.
    symlinkSync(file, join(theirs, 'reloader.yml'));
    chownSync(theirs, KONG, KONG);
    const { code, stderr } = await cli('sync', '-p', prefix, '-c', join(theirs, 'reloader.yml'));
    expect(code).toBe(1);
    expect(stderr).toContain(`(uid ${KONG}), to whom ${theirs} belongs`);
  });

  it('a file that everybody may write is not obeyed', async () => {
    const { prefix } = await takenOver({ sources: [] });
    const file = join(openFolder(), 'reloader.yml');
    writeFileSync(file, '{}');
    chmodSync(file, 0o666);
    const { code, stderr } = await cli('plan', '-p', prefix, '-c', file);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`close it: chmod go-w ${file}`)]);
  });

  it("root's environment is not handed on", async () => {
    const folder = openFolder();
    const trace = join(folder, 'trace');
    const query = join(folder, 'query');
    writeFileSync(trace, '');
    chmodSync(trace, 0o666);
    writeFileSync(query, `#!/bin/sh\ncat /proc/$PPID/environ > ${trace} 2>&1; env >> ${trace}\n`, {
      mode: 0o755,
    });
    const { prefix } = await takenOver(
      { sources: [] },
      { pluginserver_names: 'ssl-cert-reloader', pluginserver_ssl_cert_reloader_query_cmd: query },
    );
    const environment = { PATH: process.env['PATH'] ?? '', CLOUD_TOKEN: 'very-secret' };
    await start(['doctor', '--run-query', '-p', prefix], environment).ended;
    expect(statSync(trace).size).toBeGreaterThan(0);
    expect(readFileSync(trace, 'utf8')).not.toContain('very-secret');
  });

  it("a file in Kong's prefix that only root can read is known all the same", async () => {
    const { prefix } = await takenOver({ sources: [] });
    chownSync(join(prefix, '.kong_env'), 0, 0);
    chmodSync(join(prefix, '.kong_env'), 0o600);
    const { code, stdout, stderr } = await cli('plan', '--json', '-p', prefix);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`uid ${KONG}`)]);
    expect(JSON.parse(stdout)).toHaveLength(1);
  });
});

describe('a credential plugin of a kubeconfig', () => {
  const plan = async (path: string) => {
    const prefix = join(testFolder(), 'prefix');
    mkdirSync(prefix);
    const gateway = await startGateway({ mode: 'database', prefix, pluginServers: [] });
    onTestFinished(() => gateway.stop());
    const file = join(testFolder(), 'reloader.yml');
    writeFileSync(
      file,
      JSON.stringify({ sources: [{ type: 'kubernetes', kubeconfig: path, namespaces: ['a'] }] }),
    );
    return cli('plan', '-p', prefix, '-c', file);
  };

  it('runs where the file is in order', async () => {
    const folder = testFolder();
    const trace = join(folder, 'trace');
    await plan(kubeconfig(folder, trace));
    expect(existsSync(trace)).toBe(true);
  });

  it.each([
    ['that everybody may write', 0o666, 0o700],
    ['that a group may write', 0o664, 0o700],
    ['in a folder that everybody may write', 0o644, 0o777],
  ])('is not run from a file %s', async (_, mode, folderMode) => {
    const folder = testFolder();
    const trace = join(folder, 'trace');
    const path = kubeconfig(folder, trace);
    chmodSync(path, mode);
    chmodSync(folder, folderMode);
    if (isRoot && mode === 0o664) chownSync(path, 0, KONG);
    const { stdout, stderr } = await plan(path);
    if (process.getgid?.() === 0 && !isRoot && mode === 0o664) return;
    expect(existsSync(trace)).toBe(false);
    expect(stdout + stderr).toMatch(/which is\s+not run: it can be changed by\s+others/);
  });

  it.skipIf(!isRoot)('is not run where somebody else owns a link on the way to it [needs root]', async () => {
    const folder = testFolder();
    const trace = join(folder, 'trace');
    const path = kubeconfig(folder, trace);
    const theirs = openFolder();
    symlinkSync(path, join(theirs, 'kubeconfig'));
    chownSync(theirs, KONG, KONG);
    const { stdout, stderr } = await plan(join(theirs, 'kubeconfig'));
    expect(existsSync(trace)).toBe(false);
    expect(stdout + stderr).toMatch(/can be\s+changed by\s+uid\s+54321/);
  });

  it.skipIf(!isRoot)('is not run where somebody else owns the program [needs root]', async () => {
    const folder = testFolder();
    const trace = join(folder, 'trace');
    const path = kubeconfig(folder, trace);
    chownSync(join(folder, 'plugin'), KONG, KONG);
    const { stdout, stderr } = await plan(path);
    expect(existsSync(trace)).toBe(false);
    expect(stdout + stderr).toMatch(/can be\s+changed by\s+uid\s+54321/);
  });

  it.skipIf(!isRoot)('is not run as root from a file of another user [needs root]', async () => {
    const folder = testFolder();
    const trace = join(folder, 'trace');
    const path = kubeconfig(folder, trace);
    chownSync(path, KONG, KONG);
    const { stdout, stderr } = await plan(path);
    expect(existsSync(trace)).toBe(false);
    expect(stdout + stderr).toMatch(/can be\s+changed by uid\s+54321/);
  });
});
