import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { cli } from '../support/cli';
import { testFolder } from '../support/folders';
import { answering } from '../support/admin';

/** Traps in place of a file that a process with more rights reads. */
const TRAPS: Readonly<Record<string, (path: string) => void>> = {
  'a pipe that nobody writes to': (path) => void execFileSync('mkfifo', [path]),
  'a device without an end': (path) => symlinkSync('/dev/zero', path),
  'a file without an end': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 1e12);
  },
  'a folder': (path) => {
    mkdirSync(path);
  },
  'a link to itself': (path) => symlinkSync(path, path),
};

/** Every file that the configuration names, with what makes it be read. */
const FILES: Readonly<Record<string, (path: string, admin: string) => object>> = {
  'admin.token_file': (token_file, url) => ({ admin: { url, token_file } }),
  'admin.headers_file': (headers_file, url) => ({ admin: { url, headers_file } }),
  'admin.ca_file': (ca_file) => ({ admin: { url: 'https://127.0.0.1:1', ca_file } }),
  'the token of a source': (token_file, url) => ({ admin: { url }, sources: [http({ token_file })] }),
  'the CA of a source': (ca_file, url) => ({ admin: { url }, sources: [http({ ca_file })] }),
  'the client certificate of a source': (file, url) => ({
    admin: { url },
    sources: [http({ client_cert_file: file, client_key_file: file })],
  }),
  'the token of a Vault source': (token_file, url) => ({ admin: { url }, sources: [vault({ token_file })] }),
  'the secret of an AppRole': (secret_id_file, url) => ({
    admin: { url },
    sources: [vault({ role_id: 'x', secret_id_file })],
  }),
  'the token of a service account': (jwt_file, url) => ({
    admin: { url },
    sources: [vault({ role: 'x', jwt_file })],
  }),
  'a kubeconfig': (kubeconfig, url) => ({ admin: { url }, sources: [{ type: 'kubernetes', kubeconfig }] }),
  'a password file': (password_file, url) => ({
    admin: { url },
    sources: [{ type: 'directory', path: testFolder(), password_file }],
  }),
};

const http = (fields: object) => ({ type: 'http', url: 'https://127.0.0.1:1/a', ...fields });
const vault = (fields: object) => ({
  type: 'vault',
  url: 'https://127.0.0.1:1',
  secret_path: 'a',
  ...fields,
});

/** A Kong that stores nothing. */
const KONG = { data: [], next: null, database: { reachable: true }, memory: { workers_lua_vms: [{}] } };

async function planned(config: object): Promise<string> {
  const file = join(testFolder(), 'reloader.json');
  writeFileSync(file, JSON.stringify(config));
  const { code, stdout, stderr } = await cli('plan', '-c', file, '-p', '/nowhere');
  expect(code).toBe(1);
  return stdout + stderr;
}

describe.each(Object.entries(FILES))('%s', (_name, configOf) => {
  it('that is a trap ends with a sentence that names it', async () => {
    const { url } = await answering([{ status: 200, body: KONG }]);
    for (const [, make] of Object.entries(TRAPS)) {
      const path = join(testFolder(), 'named');
      make(path);
      expect((await planned(configOf(path, url))).replace(/\s+/g, '')).toContain(path);
    }
  });
});

test.for(Object.entries(TRAPS))('.kong_env that is %s holds no command', async ([, make]) => {
  const prefix = testFolder();
  make(join(prefix, '.kong_env'));
  const { code, stderr } = await cli('plan', '-p', prefix);
  expect(code).toBe(1);
  expect(stderr).toContain(`${prefix}/.kong_env`);
});
