import { createHash } from 'node:crypto';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkKeyAndChain, checkShape, openBundle, toPem } from '../src/certificates';
import { AdminClient, DatabaseGateway } from '../src/gateway';
import { isRefusal } from '../src/model';
import { startKong, type BenchKong } from './kong';
import { cpuTime, elsewhere, sideBySide, type Result } from './measure';
import { makePairs, pathsOf, writePairs, type Pair } from './pairs';
import { runnerFor } from './runner';

const COUNT = 10_000;

/** Passes over 10,000 pairs that a gateway with a database has already. */
export async function passes(folder: string): Promise<Result[]> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(COUNT);
  writePairs(certs, pairs);
  const paths = pathsOf(certs, pairs);
  const kong = await startKong({ mode: 'database', folder, pairs });
  try {
    return [
      await idle(kong, certs, paths),
      await cold(kong, certs, paths),
      await parse(pairs.slice(0, 1000)),
    ];
  } finally {
    await kong.stop();
  }
}

const gatewayOf = ({ adminUrl }: BenchKong) => new DatabaseGateway(new AdminClient({ url: adminUrl }));

async function idle(kong: BenchKong, certs: string, paths: readonly string[]): Promise<Result> {
  const runner = runnerFor(gatewayOf(kong), certs);
  const first = await runner.pass('start');
  if (first.inSync !== COUNT) throw new Error(`only ${first.inSync} of ${COUNT} are in step`);
  const measured = await sideBySide(
    9,
    () => cpuTime(() => runner.pass('poll')),
    () =>
      cpuTime(() => {
        for (const path of paths) statSync(path);
      }),
  );
  return {
    name: 'idle-pass-10k',
    ...measured,
    unit: 'ms',
    limit: 1.5,
    against: 'statSync of the same files (CPU)',
  };
}

async function cold(kong: BenchKong, certs: string, paths: readonly string[]): Promise<Result> {
  const measured = await sideBySide(
    5,
    () => cpuTime(() => runnerFor(gatewayOf(kong), certs).pass('start')),
    () =>
      cpuTime(() => {
        for (const path of paths) createHash('sha256').update(readFileSync(path)).digest('hex');
      }),
  );
  return {
    name: 'cold-pass-10k',
    ...measured,
    unit: 'ms',
    limit: 2,
    against: 'read and SHA-256 of the same files (CPU)',
  };
}

async function parse(pairs: readonly Pair[]): Promise<Result> {
  const measured = await sideBySide(
    5,
    () =>
      cpuTime(() => {
        for (const { name, cert, key } of pairs) {
          const opened = openBundle({ name, location: name, cert, key });
          if (isRefusal(opened) || checkShape(opened.bundle, Date.now()) !== null) throw new Error('refused');
          if (checkKeyAndChain(opened) !== null || toPem(opened).key === '') throw new Error('refused');
        }
      }),
    () =>
      cpuTime(() => {
        for (const { cert, key } of pairs) {
          if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('mismatch');
        }
      }),
  );
  const against = 'X509Certificate, createPrivateKey, checkPrivateKey (CPU)';
  return { name: 'parse-1k', ...elsewhere(measured), unit: 'ms', limit: 1.2, against };
}
