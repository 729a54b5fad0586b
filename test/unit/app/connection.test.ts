import { chownSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { connect, connectWhenReady, type KongLocation } from '../../../src/app/connection';
import { answering, type Answer } from '../../support/admin';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';
import { httpsServer, testAuthority } from '../../support/https-server';
import { startStranger } from '../../support/stranger';

const dbless = {
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

  it.each<[what: string, argument: boolean, field: boolean]>([
    ['of the command line, whatever the configuration names', true, true],
    ['of the command line where the configuration names none', true, false],
    ['that the configuration names, where there is no argument', false, true],
  ])('is the one %s', async (_, hasArgument, hasField) => {
    const [wrong, right] = [await answering([database]), await answering([dbless])];
    // The prefix names another one.
    const location = { ...prefixFor(hostOf(wrong.url)), adminUrl: hasArgument ? right.url : undefined };
    const url = hasArgument ? (hasField ? wrong.url : null) : right.url;
    expect(await connected(location, { url })).toMatchObject({ client: { url: right.url } });
    expect(wrong.received).toEqual([]);
  });

  it('needs no prefix where it is named', async () => {
    const { url } = await answering([dbless]);
    expect(await connected({ prefix: testFolder() }, { url })).toMatchObject({
      client: { url },
      listeners: [],
    });
  });

  it('is the next listener where the first one is no Admin API', async () => {
    const [wrong, right] = [await answering([{ status: 404 }]), await answering([dbless])];
    const location = prefixFor(`${hostOf(wrong.url)}, ${hostOf(right.url)}`);
    expect(await connected(location, {})).toMatchObject({ client: { url: right.url } });
  });

  test.for<[string, Answer, string]>([
    [
      'needs a token',
      { status: 401, body: {} },
      'with 401: set admin.token_file, admin.headers_file or admin.client_cert_file',
    ],
    [
      'does not take the token',
      { status: 403, body: {} },
      'the user of this token or certificate may not do that',
    ],
    [
      'has no licence',
      { status: 403, body: { message: 'Enterprise license missing or expired' } },
      "without a licence Kong's Admin API is read-only",
    ],
    [
      'is behind a login page',
      { status: 302, headers: { location: 'https://login.test/?next=/status' } },
      'leads to login.test',
    ],
    [
      'wants a client certificate',
      { status: 400, body: '<html><title>400 No required SSL certificate was sent</title></html>' },
      'set admin.client_cert_file and admin.client_key_file',
    ],
    [
      'speaks TLS',
      { status: 400, body: '<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>' },
      'give its address as https://',
    ],
    ['is another program', { status: 200, body: { status: 'up' } }, 'the answer is not the status of a Kong'],
    ['is no Admin API', { status: 404, body: {} }, "with 404: is it Kong's Admin API?"],
    [
      'answers with a page',
      { status: 200, body: '<html>' },
      'is it a web page or a login form instead of the Admin API?',
    ],
  ])('that %s is an error that says what to do', async ([, answer, words]) => {
    const { url } = await answering([answer]);
    await expect(connect(prefixFor(hostOf(url)), {})).rejects.toThrow(words);
  });

  it('that is off is an error that says what to do', async () => {
    await expect(connect(prefixFor('off'), {})).rejects.toThrow("Kong's admin_listen is off");
  });

  it('whose prefix is wrong is an error that names it', async () => {
    const prefix = testFolder();
    await expect(connect({ prefix, usual: [] }, {})).rejects.toThrow(`${prefix}/.kong_env does not exist`);
  });

  it('is found by what nginx reads where .kong_env is for root alone', async () => {
    const { url } = await answering([dbless]);
    const prefix = testFolder();
    mkdirSync(join(prefix, '.kong_env'));
    const servers = [
      `server {\n    server_name kong;\n    listen 0.0.0.0:8443 ssl;\n}\n`,
      `server {\n    server_name kong_admin;\n    listen ${hostOf(url)};\n}\n`,
    ];
    writeFileSync(join(prefix, 'nginx-kong.conf'), servers.join(''));
    expect(await connected({ prefix }, {})).toMatchObject({
      client: { url },
      foundBy: join(prefix, 'nginx-kong.conf'),
      listeners: [{ host: '127.0.0.1', port: 8443 }],
    });
  });

  it('is looked for at the usual places where nothing tells where it is, and the error says what was in the way', async () => {
    const { url } = await answering([dbless]);
    const prefix = testFolder();
    const usual = ['http://127.0.0.1:1', url];
    expect(await connected({ prefix, usual }, {})).toMatchObject({
      client: { url },
      foundBy: 'the usual port',
    });
    const nowhere = connect({ prefix, usual: ['http://127.0.0.1:1'] }, {});
    await expect(nowhere).rejects.toThrow(/\.kong_env does not exist.*127\.0\.0\.1:1 does not answer/);
  });

  it('says what told where it is', async () => {
    const { url } = await answering([dbless]);
    const location = prefixFor(hostOf(url));
    expect(await connected(location, {})).toMatchObject({ foundBy: join(location.prefix, '.kong_env') });
    expect(await connected({ ...location, adminUrl: url }, {})).toMatchObject({ foundBy: '--admin-url' });
    expect(await connected(location, { url })).toMatchObject({ foundBy: 'admin.url' });
  });

  it('has the listeners and workers that it has now, not those of the start', async () => {
    const { url } = await answering([dbless]);
    const location = prefixFor(hostOf(url));
    const kong = await connected(location, {});
    expect([kong.listeners.map(({ port }) => port), kong.workers]).toEqual([[8443], 3]);
    writeFileSync(
      join(location.prefix, 'new'),
      `proxy_listen = 127.0.0.1:9443 ssl\nnginx_main_worker_processes = 7\n`,
    );
    renameSync(join(location.prefix, 'new'), join(location.prefix, '.kong_env'));
    expect([kong.listeners.map(({ port }) => port), kong.workers]).toEqual([[9443], 7]);
  });
});

describe('the token of the Admin API', () => {
  it('is that of the configuration', async () => {
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
    ).rejects.toThrow(`admin.token_file: ${file} cannot be read: it does not exist (yet)`);
  });

  it('in a file is sent as it is now, with every request', async () => {
    const { url, received } = await answering([dbless]);
    const file = join(testFolder(), 'token');
    writeFileSync(file, 'first');
    const { client } = await connected({ prefix: testFolder() }, { url, token_file: file });
    writeFileSync(`${file}.new`, 'second');
    renameSync(`${file}.new`, file);
    await client.get('/status');
    expect(received.map(({ headers }) => headers['kong-admin-token'])).toEqual(['first', 'second']);
  });
});

describe('headers of the Admin API', () => {
  it('are sent with every request', async () => {
    const { url, received } = await answering([dbless]);
    const headers = ['apikey: let-me-in', 'X-Two:a: b '];
    const { client } = await connected({ prefix: testFolder() }, { url, headers });
    await client.get('/certificates');
    for (const request of received) {
      expect([request.headers['apikey'], request.headers['x-two']]).toEqual(['let-me-in', 'a: b']);
    }
    expect(received).toHaveLength(2);
  });
});

describe('other settings that are read from files', () => {
  it('are headers, which are read again, too', async () => {
    const { url, received } = await answering([dbless]);
    const file = join(testFolder(), 'headers');
    writeFileSync(file, 'X-One: 1\r\n\nAuthorization:   Basic abc  \n');
    const { client } = await connected({ prefix: testFolder() }, { url, headers_file: file });
    writeFileSync(`${file}.new`, 'x-one: 2\n');
    renameSync(`${file}.new`, file);
    await client.get('/status');
    expect(received.map(({ headers }) => [headers['x-one'], headers.authorization])).toEqual([
      ['1', 'Basic abc'],
      ['2', undefined],
    ]);
  });

  it('that holds something else than headers is named and not quoted', async () => {
    const { url, received } = await answering([dbless]);
    const file = join(testFolder(), 'headers');
    writeFileSync(file, 'x: 1\nthe secret itself\n');
    const error = await connect({ prefix: testFolder() }, { url, headers_file: file }).catch(String);
    expect(error).toContain(`admin.headers_file: ${file}: line 2 is not "Name: value"`);
    expect(error).not.toContain('the secret');
    expect(received).toEqual([]);
  });

  it('is a client certificate, with its key', async () => {
    const { authority, caFile } = testAuthority();
    const folder = testFolder();
    const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    const issued = authority.issue({ names: ['reloader'] });
    writeFileSync(cert, issued.chain);
    writeFileSync(key, issued.key);
    const identity = authority.issue({ names: ['kong.example'] });
    const server = await httpsServer({ identity, clientCa: authority.cert }, (_seen, response) => {
      response.end(JSON.stringify(dbless.body));
    });
    const admin = { url: server.url, ca_file: caFile, client_cert_file: cert, server_name: 'kong.example' };
    await expect(connect({ prefix: folder }, admin)).rejects.toThrow('admin.client_key_file');
    await connected({ prefix: folder }, { ...admin, client_key_file: key });
    expect(server.seen[0]?.client).toBe('reloader');
  });
});

describe('an Admin API of another host', () => {
  const prefix = testFolder;

  test.for(['http://kong.invalid:8001', 'http://192.0.2.1:8001'])(
    'at %s is not asked in clear, unless the operator says so',
    async (url) => {
      await expect(connect({ prefix: prefix() }, { url })).rejects.toThrow(
        'use https, or set admin.allow_http (or --allow-http) where that network is trusted',
      );
      await expect(connect({ prefix: prefix(), adminUrl: url }, {})).rejects.toThrow('use https');
    },
  );

  it('is asked in clear where the operator says so', async () => {
    const url = 'http://kong.invalid:8001';
    await expect(connect({ prefix: prefix() }, { url, allow_http: true })).rejects.toThrow('does not answer');
    await expect(connect({ prefix: prefix(), adminUrl: url, allowHttp: true }, {})).rejects.toThrow(
      'does not answer',
    );
  });
});

describe('--admin-url', () => {
  test.for(['http://kong:s3cret@127.0.0.1:8001', 'https://kong@kong.example:8444'])(
    'with credentials in it (%s) is refused with the way out',
    async (adminUrl) => {
      const error = await connect({ prefix: testFolder(), adminUrl }, {}).catch(String);
      expect(error).toMatch(/every user of this machine.*admin\.url of a file/);
      expect(error).not.toContain('s3cret');
    },
  );
});

describe.runIf(existsSync('/proc/net/tcp'))('a stranger on the port of the Admin API', () => {
  it('gets no token, and is asked nothing', async () => {
    const stranger = await startStranger();
    const url = `http://127.0.0.1:${stranger.port}`;
    await expect(connect({ prefix: testFolder() }, { url, token: 's3cret-token' })).rejects.toThrow(
      /a process of user \d+ answers there/,
    );
    expect(await stranger.heard()).toBe('');
  });

  it('is Kong where the prefix is its own', async () => {
    const stranger = await startStranger();
    const folder = testFolder();
    if (process.geteuid?.() === 0) chownSync(folder, 65_534, 65_534);
    const url = `http://127.0.0.1:${stranger.port}`;
    await connected({ prefix: folder }, { url });
    expect(await stranger.heard()).toContain('GET /status');
  });

  it('gets nothing with TLS either, where the certificate is not that of the prefix', async () => {
    const { authority } = testAuthority();
    const [own, other] = [
      authority.issue({ names: ['localhost'] }),
      authority.issue({ names: ['localhost'] }),
    ];
    const folder = testFolder();
    mkdirSync(join(folder, 'ssl'));
    writeFileSync(join(folder, 'ssl', 'admin-kong-default.crt'), own.cert);
    const stranger = await startStranger(0, '127.0.0.1', other);
    const url = `https://127.0.0.1:${stranger.port}`;
    await expect(connect({ prefix: folder }, { url, token: 's3cret-token' })).rejects.toThrow(
      'nothing was sent',
    );
    expect(await stranger.heard()).toBe('');
    const kong = await startStranger(0, '127.0.0.1', own);
    await connected({ prefix: folder }, { url: `https://127.0.0.1:${kong.port}`, token: 's3cret-token' });
    expect(await kong.heard()).toContain('s3cret-token');
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
    const { client } = await connectWhenReady(
      { prefix, usual: [] },
      {},
      waiting,
      new AbortController().signal,
    );
    client.close();
    expect(troubles).toHaveLength(2);
    expect(troubles[0]).toContain('.kong_env does not exist');
  });

  it('is not waited for any longer when the process ends', async () => {
    const abort = new AbortController();
    let troubles = 0;
    const waiting = () => void (troubles += 1);
    const over = connectWhenReady({ prefix: testFolder(), usual: [] }, {}, waiting, abort.signal).catch(
      (error: unknown) => error as Error,
    );
    await eventually('a first try', () => troubles > 0);
    abort.abort();
    expect(await over).toMatchObject({ name: 'AbortError' });
  });
});
