import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from './probe';

let directory: string;
let program: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-program-'));
  program = join(directory, 'gateway.cjs');
  await build({
    entryPoints: [join(__dirname, 'main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
  });
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

type Program = ChildProcessByStdio<Writable, Readable, null>;

function run(...args: string[]): Program {
  return spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function ready(child: Program): Promise<{ adminUrl: string; tlsPort: number; prefix: string }> {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as never;
  throw new Error('ended before it was ready');
}

test('the program says in one line where it listens and loads what it is given', async () => {
  const config = join(directory, 'kong.yml');
  writeFileSync(config, '_format_version: "3.0"\nservices:\n- name: s1\n  url: http://127.0.0.1\n');
  const child = run('--mode', 'dbless', '--config', config, '--workers', '3');
  const { adminUrl } = await ready(child);
  expect(await ask(adminUrl, 'GET', '/services/s1')).toMatchObject({ status: 200 });
  const { body } = await ask(adminUrl, 'GET', '/status');
  expect((body as { memory: { workers_lua_vms: unknown[] } }).memory.workers_lua_vms).toHaveLength(3);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('the program loads certificates without checks and ends with its standard input', async () => {
  const seed = join(directory, 'seed.json');
  writeFileSync(seed, JSON.stringify([{ cert: 'c', key: 'k', snis: ['a.example.test'] }]));
  const child = run('--mode', 'database', '--seed', seed, '--exit-with-stdin');
  const { adminUrl } = await ready(child);
  expect(await ask(adminUrl, 'GET', '/certificates/a.example.test')).toMatchObject({ body: { cert: 'c' } });
  child.stdin.end();
  expect(await once(child, 'exit')).toEqual([0, null]);
});
