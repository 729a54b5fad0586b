import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startGateway, type Gateway, type PluginServerOptions } from './index';
import { ask, eventually } from './probe';

let gateway: Gateway | null = null;

afterEach(async () => {
  await gateway?.stop();
  gateway = null;
});

const NAME = 'probe';
const node = (script: string) => `'${process.execPath}' -e '${script}'`;
const STAY = 'setInterval(() => {}, 1000);';

const info = (name = NAME, interval: object = { type: 'integer', default: 300, between: [1, 86400] }) => ({
  Name: name,
  Version: '1.0.0',
  Priority: 7,
  Phases: [],
  Schema: { name, fields: [{ config: { type: 'record', fields: [{ interval }] } }] },
});
const dump = (content: unknown) => node(`process.stdout.write(JSON.stringify(${JSON.stringify(content)}))`);

async function start(server: Partial<PluginServerOptions> = {}): Promise<Gateway> {
  const pluginServers = [{ name: NAME, queryCommand: dump([info()]), ...server }];
  gateway = await startGateway({ mode: 'database', pluginServers });
  return gateway;
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a query command', () => {
  test.for([
    { sentence: 'a list', content: [info(), info('second')] },
    {
      sentence: 'an object with Plugins',
      content: { Protocol: 'MsgPack:1', Plugins: [info(), info('second')] },
    },
  ])('prints $sentence, of which only the first plugin counts', async ({ content }) => {
    const { adminUrl } = await start({ queryCommand: dump(content) });
    expect(await ask(adminUrl, 'GET', '/plugins/enabled')).toMatchObject({
      body: { enabled_plugins: [NAME] },
    });
  });

  test('may print nothing else to standard output', async () => {
    const queryCommand = node(
      `console.log("loading"); console.log(JSON.stringify(${JSON.stringify([info()])}))`,
    );
    await expect(start({ queryCommand })).rejects.toThrow('failed decoding plugin info');
  });

  test('may print to standard error', async () => {
    const started = await start({ queryCommand: `echo careful >&2; ${dump([info()])}` });
    expect(started.pluginServerOutput).toContain('careful');
  });

  test('must end', async () => {
    const pluginServers = [{ name: NAME, queryCommand: node(STAY) }];
    await expect(startGateway({ pluginServers, queryTimeoutMs: 300 })).rejects.toThrow(
      'did not end within 0.3 s',
    );
  });

  test.for([
    { interval: { type: 'integer', nullable: true }, problem: 'config.interval.nullable: unknown field' },
    {
      interval: { type: 'boolean', one_of: [true] },
      problem: "field of type 'boolean' cannot have attribute 'one_of'",
    },
    { interval: { type: 'array' }, problem: "field of type 'array' must declare 'elements'" },
    { interval: { type: 'duration' }, problem: 'invalid type: duration' },
    { interval: { type: 'integer', description: 'short' }, problem: 'length must be at least 10' },
  ])('with a schema that Kong refuses keeps it from starting: $problem', async ({ interval, problem }) => {
    await expect(start({ queryCommand: dump([info(NAME, interval)]) })).rejects.toThrow(problem);
  });
});

describe('a plugin server', () => {
  test('gets an empty environment, and what it prints can be read', async () => {
    const startCommand = node(
      `console.log(JSON.stringify(process.env)); console.error("to stderr"); ${STAY}`,
    );
    const started = await start({ startCommand });
    const line = await eventually(() => started.pluginServerOutput.find((text) => text.startsWith('{')));
    expect(
      Object.keys(JSON.parse(line) as object).filter((name) => !['PWD', 'SHLVL', '_'].includes(name)),
    ).toEqual([]);
    await eventually(() => started.pluginServerOutput.includes('to stderr'));
  });

  test('is started again when it was killed', async () => {
    const started = await start({ startCommand: node(STAY) });
    const first = await eventually(() => started.pluginServerPid(NAME));
    started.killPluginServer(NAME);
    const second = await eventually(() => {
      const pid = started.pluginServerPid(NAME);
      return pid === first ? null : pid;
    });
    expect(isAlive(first)).toBe(false);
    expect(isAlive(second)).toBe(true);
  });

  test('goes only after its successor was started at a reload', async () => {
    const script =
      'process.on("SIGTERM", () => { console.log("go", process.pid); process.exit(0); });' +
      'console.log("come", process.pid);';
    const started = await start({ startCommand: node(script + STAY) });
    const first = await eventually(() => started.pluginServerPid(NAME));
    await eventually(() => started.pluginServerOutput.includes(`come ${first}`));
    expect(await started.reload()).toBe(true);
    const second = started.pluginServerPid(NAME) ?? first;
    expect(second).not.toBe(first);
    expect([first, second].map(isAlive)).toEqual([true, true]);
    await eventually(() => started.pluginServerOutput.includes(`go ${first}`));
    await eventually(() => !isAlive(first));
    expect(isAlive(second)).toBe(true);
  });

  test('ends with the gateway', async () => {
    const started = await start({ startCommand: node(STAY) });
    const pid = await eventually(() => started.pluginServerPid(NAME));
    await started.stop();
    expect(isAlive(pid)).toBe(false);
  });

  test('without a start command is managed from outside', async () => {
    const started = await start();
    expect(started.pluginServerPid(NAME)).toBeNull();
    expect((await ask(started.adminUrl, 'GET', '/')).status).toBe(200);
  });
});

describe('an entry of a plugin', () => {
  test('is unique for its scope', async () => {
    const { adminUrl } = await start();
    expect((await ask(adminUrl, 'POST', '/plugins', { name: NAME })).status).toBe(201);
    expect(await ask(adminUrl, 'POST', '/plugins', { name: NAME })).toMatchObject({
      status: 409,
      body: { fields: { name: NAME, route: null, service: null, consumer: null } },
    });
    const { body: service } = await ask(adminUrl, 'POST', '/services', {
      name: 's1',
      url: 'http://127.0.0.1',
    });
    const scoped = await ask(adminUrl, 'POST', '/services/s1/plugins', { name: NAME });
    expect(scoped).toMatchObject({ status: 201, body: { service: { id: (service as { id: string }).id } } });
  });

  test('is checked against the schema of the dump', async () => {
    const { adminUrl } = await start();
    expect(await ask(adminUrl, 'POST', '/plugins', { name: NAME, config: { interval: '60' } })).toMatchObject(
      {
        status: 400,
        body: { message: 'schema violation (config.interval: expected an integer)' },
      },
    );
  });
});

test('the prefix is kept where it was given, without the environment of a gateway that is gone', async () => {
  const prefix = mkdtempSync(join(tmpdir(), 'prefix-'));
  const started = await startGateway({ prefix });
  expect(started.prefix).toBe(prefix);
  await started.stop();
  rmSync(prefix, { recursive: true });
});
