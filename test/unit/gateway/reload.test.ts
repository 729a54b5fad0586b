import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KongReload } from '../../../src/gateway';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const ENV = 'pg_password = secret\ndeclarative_config = /etc/kong/kong.yml\nrole = traditional\n';

/** A process that counts its SIGHUPs in a file, under any title. */
async function processTitled(title: string) {
  const file = join(testFolder(), 'count');
  const program = `process.title = ${JSON.stringify(title)}; const { appendFileSync } = require('node:fs');
    process.on('SIGHUP', () => appendFileSync(${JSON.stringify(file)}, 'x'));
    setInterval(() => {}, 1000); appendFileSync(${JSON.stringify(file)}, ' ');`;
  // Room for the title: it takes the place of the command line.
  const child = spawn(process.execPath, ['-e', program, 'x'.repeat(200)], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const read = () => readFileSync(file, 'utf8');
  await eventually('it runs', () => read().length > 0);
  return {
    pid: child.pid as number,
    signals: () => read().trim().length,
    isAlive: () => child.exitCode === null,
  };
}

function prefixOf(pid: number | string): string {
  const prefix = testFolder();
  mkdirSync(join(prefix, 'pids'));
  writeFileSync(join(prefix, 'pids', 'nginx.pid'), `${pid}\n`);
  writeFileSync(join(prefix, '.kong_env'), ENV);
  chmodSync(join(prefix, '.kong_env'), 0o640);
  return prefix;
}

afterEach(() => vi.restoreAllMocks());

describe('a reload', () => {
  async function kong(startsFromFile = false) {
    const prefix = prefixOf(0);
    const master = await processTitled(`nginx: master process nginx -p ${prefix} -c nginx.conf`);
    writeFileSync(join(prefix, 'pids', 'nginx.pid'), `${master.pid}\n`);
    return { prefix, master, reload: new KongReload(prefix, startsFromFile) };
  }

  it('is a SIGHUP to the master, once for a fingerprint, which another process knows as well', async () => {
    const { prefix, master, reload } = await kong();
    expect(reload.doneFor('one')).toBeNull();
    expect(reload.send(['one'])).toBeNull();
    await eventually('it arrives', () => master.signals() === 1);
    expect(Date.parse(reload.doneFor('one') ?? '')).toBeGreaterThan(Date.now() - 60_000);
    const successor = new KongReload(prefix, false);
    expect(successor.doneFor('one')).toBe(reload.doneFor('one'));
    expect(successor.send(['one'])).toContain('already');
    expect(successor.send(['two'])).toBeNull();
    await eventually('the other one arrives', () => master.signals() === 2);
  });

  it.each(['null', '5', '[1]', '{"one": 5}', '{"one": "never"}', '{"one": null'])(
    'was made for nothing where the record is damaged: %s',
    (text) => {
      const prefix = prefixOf(0);
      writeFileSync(join(prefix, 'ssl-cert-reloader.reloads'), text);
      expect(new KongReload(prefix, false).doneFor('one')).toBeNull();
    },
  );

  it('is written down into no file that a link in the place of the record leads to', async () => {
    const { prefix, reload } = await kong();
    const victim = join(prefix, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, join(prefix, 'ssl-cert-reloader.reloads'));
    expect(reload.send(['one'])).toBeNull();
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(reload.doneFor('one')).not.toBeNull();
  });

  it('is written down before it is made: it ends the process that makes it', async () => {
    const { reload } = await kong();
    const known: (string | null)[] = [];
    vi.spyOn(process, 'kill').mockImplementation((_, signal) => {
      if (signal === 'SIGHUP') known.push(reload.doneFor('one'));
      return true;
    });
    expect(reload.send(['one'])).toBeNull();
    expect(known).toEqual([expect.any(String)]);
  });

  it('without a database takes declarative_config out of .kong_env, so that what was posted stays', async () => {
    const { prefix, master, reload } = await kong(true);
    expect(reload.send(['one'])).toBeNull();
    await eventually('it arrives', () => master.signals() === 1);
    const path = join(prefix, '.kong_env');
    expect(readFileSync(path, 'utf8')).toBe(ENV.replace('declarative_config', '# declarative_config'));
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('with a database leaves .kong_env as it is', async () => {
    const { prefix, reload } = await kong();
    expect(reload.send(['one'])).toBeNull();
    expect(readFileSync(join(prefix, '.kong_env'), 'utf8')).toBe(ENV);
  });

  it('is not made where Kong has its configuration as text and would lose what was posted', async () => {
    const { prefix, master, reload } = await kong(true);
    writeFileSync(join(prefix, '.kong_env'), 'declarative_config_string = {}\n');
    expect(reload.send(['one'])).toContain('declarative_config_string');
    expect(reload.doneFor('one')).toBeNull();
    expect(master.signals()).toBe(0);
  });

  it('that the system does not allow is no reload, and can be made later', async () => {
    const { reload, master } = await kong();
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM', syscall: 'kill' });
    });
    expect(reload.send(['one'])).toMatch(/cannot be signalled \(EPERM\): it belongs to another user/);
    vi.restoreAllMocks();
    expect(reload.send(['one'])).toBeNull();
    await eventually('it arrives', () => master.signals() === 1);
  });
});

describe('nobody else is signalled', () => {
  it.each([
    ['no nginx', () => 'some other program'],
    ['an nginx of another prefix', () => 'nginx: master process nginx -p /somewhere/else -c nginx.conf'],
    ['a worker', (prefix: string) => `nginx: worker process nginx -p ${prefix}`],
  ])('%s', async (_, title) => {
    const prefix = prefixOf(0);
    const other = await processTitled(title(prefix));
    writeFileSync(join(prefix, 'pids', 'nginx.pid'), `${other.pid}\n`);
    expect(new KongReload(prefix, true).send(['one'])).toContain(`is not the nginx of ${prefix}`);
    expect(other.signals()).toBe(0);
    expect(other.isAlive()).toBe(true);
    expect(readFileSync(join(prefix, '.kong_env'), 'utf8')).toBe(ENV);
  });

  it.each(['', '1', '0', '-1', 'x', '999999999'])('for a pid file that holds "%s"', (text) => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    expect(new KongReload(prefixOf(text), false).send(['one'])).toMatch(/no process id|is not the nginx of/);
    expect(kill).not.toHaveBeenCalled();
  });

  it('where there is no pid file', () => {
    expect(new KongReload(testFolder(), false).send(['one'])).toMatch(/nginx\.pid cannot be read \(ENOENT\)/);
  });
});
