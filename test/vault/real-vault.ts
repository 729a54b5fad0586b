import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, beforeAll, describe } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { freePort } from '../support/port';

/** The server that `prepare` built, or a named program. */
type Executable = { server: string } | { program: string };

/**
 * `LIVE_VAULT=/usr/bin/bao` (or `vault`): a release of OpenBao's or of HashiCorp's, started with a configuration file
 * as an operator does. Else what `prepare` has got; it builds nothing when it is asked.
 */
function findServer(): Executable | { missing: string } {
  const program = process.env['LIVE_VAULT'] ?? '';
  if (program !== '') return { program };
  try {
    const output = execFileSync('bash', [join(__dirname, 'prepare'), '--find'], { encoding: 'utf8' });
    const [word, ...rest] = output.trim().split(' ');
    return word === 'server' ? { server: rest.join(' ') } : { missing: rest.join(' ') };
  } catch (error) {
    return { missing: `test/vault/prepare does not run here: ${(error as Error).message}` };
  }
}

const SETPRIV = '/usr/bin/setpriv';

/** A real Vault: unsealed, with a KV engine of each version at `secret` and `kv1`, and AppRole. */
export class RealVault {
  /** Of the token that may everything. */
  root = '';
  #key = '';

  private constructor(
    readonly url: string,
    readonly caFile: string,
    private readonly ca: string,
    private readonly server: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(executable: Executable): Promise<RealVault> {
    const folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-vault-'));
    const authority = Authority.root('Vault CA');
    const { chain, key } = authority.issue({ names: ['127.0.0.1'] });
    const files = {
      ca: join(folder, 'ca.pem'),
      cert: join(folder, 'cert.pem'),
      key: join(folder, 'key.pem'),
    };
    writeFileSync(files.ca, authority.cert);
    writeFileSync(files.cert, chain);
    writeFileSync(files.key, key, { mode: 0o600 });
    const freeOne = await freePort();
    const start =
      'server' in executable
        ? [executable.server, files.cert, files.key]
        : [executable.program, 'server', `-config=${configuration(folder, files, freeOne)}`];
    // A test process that is killed runs no handlers: then the kernel ends its children.
    const command = [...(existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL'] : []), ...start];
    const server = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const lines = createInterface({ input: server.stdout });
    const ended = once(server, 'exit').then(() => Promise.reject(new Error(`Vault ended at once: ${log}`)));
    ended.catch(() => undefined);
    const port = await Promise.race([
      ended,
      'server' in executable ? firstOf(lines) : started(lines, freeOne),
    ]);
    const vault = new RealVault(`https://127.0.0.1:${port}`, files.ca, authority.cert, server, folder);
    await vault.prepare();
    return vault;
  }

  /** @returns the answer's body; @throws Error with what Vault says */
  async call(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ data: Record<string, unknown>; auth: Record<string, unknown> }> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        ...(this.root === '' ? {} : { 'x-vault-token': this.root }),
      };
      const call = request(`${this.url}/v1/${path}`, { method, headers, ca: this.ca }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 300) reject(new Error(`${method} ${path}: ${status} ${text}`));
          else resolve((text === '' ? {} : JSON.parse(text)) as Awaited<ReturnType<RealVault['call']>>);
        });
      });
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** A token that may what the policy says. */
  async token(policy: string, options: object = {}): Promise<string> {
    const name = `policy-${Math.random().toString(36).slice(2)}`;
    await this.call('PUT', `sys/policies/acl/${name}`, { policy });
    const { auth } = await this.call('POST', 'auth/token/create', { policies: [name], ...options });
    return String(auth['client_token']);
  }

  seal(): Promise<unknown> {
    return this.call('PUT', 'sys/seal');
  }

  unseal(): Promise<unknown> {
    return this.call('PUT', 'sys/unseal', { key: this.#key });
  }

  async stop(): Promise<void> {
    const gone = once(this.server, 'exit');
    this.server.kill('SIGKILL');
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async prepare(): Promise<void> {
    const made = (await this.call('PUT', 'sys/init', {
      secret_shares: 1,
      secret_threshold: 1,
    })) as unknown as {
      keys: string[];
      root_token: string;
    };
    this.#key = made.keys[0] ?? '';
    await this.unseal();
    this.root = made.root_token;
    await this.call('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
    await this.call('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } });
    await this.call('POST', 'sys/auth/approle', { type: 'approle' });
  }
}

/** Of `vault server` and `bao server`. @returns its path */
function configuration(folder: string, files: { cert: string; key: string }, port: number): string {
  const path = join(folder, 'server.json');
  const listener = {
    address: `127.0.0.1:${port}`,
    tls_cert_file: files.cert,
    tls_key_file: files.key,
  };
  const api = { api_addr: `https://127.0.0.1:${port}`, disable_mlock: true };
  writeFileSync(path, JSON.stringify({ listener: [{ tcp: listener }], storage: { inmem: {} }, ...api }));
  return path;
}

async function firstOf(lines: Interface): Promise<number> {
  const [port] = (await once(lines, 'line')) as [string];
  return Number(port);
}

function started(lines: Interface, port: number): Promise<number> {
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      if (line.includes('server started!')) resolve(port);
    });
  });
}

/** Tests that share one Vault. Where it is neither named nor built they are skipped, and the title says why. */
export function describeWithVault(title: string, tests: (vault: () => RealVault) => void): void {
  const found = findServer();
  const reason = 'missing' in found ? ` (skipped: ${found.missing})` : '';
  describe.skipIf('missing' in found)(title + reason, () => {
    let vault: RealVault | null = null;
    beforeAll(async () => {
      if (!('missing' in found)) vault = await RealVault.start(found);
    }, 120_000);
    afterAll(() => vault?.stop());
    tests(() => {
      if (vault === null) throw new Error('Vault is there in tests and hooks only');
      return vault;
    });
  });
}
