import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { connect, connectWhenReady, type KongLocation } from '../../../src/app/connection';
import { answering, type Answer } from '../../support/admin';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const dbless: Answer = {
  status: 200,
  body: { configuration_hash: 'a9a166c59873245db8f1a747ba9a80a7', memory: { workers_lua_vms: [{}, {}, {}] } },
};
const database: Answer = {
  status: 200,
  body: { database: { reachable: true }, memory: { workers_lua_vms: [{}] } },
};

/** A prefix whose `.kong_env` names these Admin listeners. */
function prefixFor(adminListen: string): KongLocation {
  const prefix = testFolder();
  writeFileSync(
    join(prefix, '.kong_env'),
    `admin_listen = ${adminListen}\nproxy_listen = 0.0.0.0:8443 ssl\n`,
  );
  return { prefix };
}

const hostOf = (url: string) => url.replace('http://', '');

async function connected(...args: Parameters<typeof connect>) {
  const connection = await connect(...args);
  onTestFinished(() => connection.client.close());
  return connection;
}

describe('the Admin API', () => {
  it('is found by what Kong wrote into its prefix, together with its listeners and workers', async () => {
    const { url } = await answering([dbless]);
    expect(await connected(prefixFor(hostOf(url)), {})).toMatchObject({
      gateway: { kind: 'dbless' },
      listeners: [{ host: '127.0.0.1', port: 8443, proxyProtocol: false }],
      workers: 3,
      client: { url },
    });
  });

  it('with a database is told apart from one without', async () => {
    const { url } = await answering([database]);
    expect(await connected(prefixFor(hostOf(url)), {})).toMatchObject({
      gateway: { kind: 'database' },
      workers: 1,
    });
  });

  it('is the one that the configuration names, and no prefix is needed then', async () => {
    const [wrong, right] = [await answering([database]), await answering([dbless])];
    const location = { prefix: testFolder(), adminUrl: wrong.url };
    expect(await connected(location, { url: right.url })).toMatchObject({
      client: { url: right.url },
      listeners: [],
    });
    expect(wrong.received).toEqual([]);
  });

  it('is the one of the command line where the configuration names none', async () => {
    const [wrong, right] = [await answering([database]), await answering([dbless])];
    const location = { ...prefixFor(hostOf(wrong.url)), adminUrl: right.url };
    expect(await connected(location, { url: null })).toMatchObject({ client: { url: right.url } });
  });

  it('is the next listener where the first one is no Admin API', async () => {
    const [wrong, right] = [await answering([{ status: 404 }]), await answering([dbless])];
    const location = prefixFor(`${hostOf(wrong.url)}, ${hostOf(right.url)}`);
    expect(await connected(location, {})).toMatchObject({ client: { url: right.url } });
  });

  test.for<[string, Answer, string]>([
    ['needs a token', { status: 401, body: {} }, 'answered 401: set admin.token or admin.token_file'],
    [
      'does not take the token',
      { status: 403, body: {} },
      'answered 403: set admin.token or admin.token_file',
    ],
    ['is no Admin API', { status: 404, body: {} }, "with 404: is it Kong's Admin API?"],
    ['answers with a page', { status: 200, body: '<html>' }, "with 200: is it Kong's Admin API?"],
  ])('that %s is an error that says what to do', async ([, answer, words]) => {
    const { url } = await answering([answer]);
    await expect(connect(prefixFor(hostOf(url)), {})).rejects.toThrow(words);
  });

  it('that is off is an error that says what to do', async () => {
    await expect(connect(prefixFor('off'), {})).rejects.toThrow("Kong's admin_listen is off");
  });

  it('whose prefix is wrong is an error that names it', async () => {
    const prefix = testFolder();
    await expect(connect({ prefix }, {})).rejects.toThrow(`${prefix}/.kong_env does not exist`);
  });
});

describe('the token of the Admin API', () => {
  it('is the one of the configuration', async () => {
    const { url, received } = await answering([dbless]);
    await connected({ prefix: testFolder() }, { url, token: 'secret' });
    expect(received[0]?.headers['kong-admin-token']).toBe('secret');
  });

  it('is what stands in its file, without the line feed', async () => {
    const { url, received } = await answering([dbless]);
    const file = join(testFolder(), 'token');
    writeFileSync(file, 'from-a-file\n');
    await connected({ prefix: testFolder() }, { url, token_file: file, token: 'other' });
    expect(received[0]?.headers['kong-admin-token']).toBe('from-a-file');
  });

  it('as a vault reference is refused with the way out, and not sent', async () => {
    const { url, received } = await answering([dbless]);
    const token = '{vault://env/admin-token}';
    await expect(connect({ prefix: testFolder() }, { url, token })).rejects.toThrow('use admin.token_file');
    expect(received).toEqual([]);
  });

  it('in a file that is missing is an error that names the file', async () => {
    const file = join(testFolder(), 'token');
    await expect(
      connect({ prefix: testFolder() }, { url: 'http://127.0.0.1:1', token_file: file }),
    ).rejects.toThrow(`admin.token_file: ${file} cannot be read (ENOENT)`);
  });
});

describe('a Kong that comes up later', () => {
  it('is waited for, and every trouble on the way is told', async () => {
    const { url } = await answering([dbless]);
    const prefix = testFolder();
    const troubles: string[] = [];
    const waiting = ({ message }: Error) => {
      troubles.push(message);
      if (troubles.length === 2) writeFileSync(join(prefix, '.kong_env'), `admin_listen = ${hostOf(url)}\n`);
    };
    const { client } = await connectWhenReady({ prefix }, {}, waiting, new AbortController().signal);
    client.close();
    expect(troubles).toHaveLength(2);
    expect(troubles[0]).toContain('.kong_env does not exist');
  });

  it('is not waited for any longer when the process ends', async () => {
    const abort = new AbortController();
    let troubles = 0;
    const waiting = () => void (troubles += 1);
    const over = connectWhenReady({ prefix: testFolder() }, {}, waiting, abort.signal).catch(
      (error: unknown) => error as Error,
    );
    await eventually('a first try', () => troubles > 0);
    abort.abort();
    expect(await over).toMatchObject({ name: 'AbortError' });
  });
});
