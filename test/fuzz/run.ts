import { createPrivateKey, X509Certificate } from 'node:crypto';
import { checkKeyAndChain, inspectFiles, toPem } from '../../src/certificates';
import type { Issued } from '../../src/authority/authority';
import { isRefusal, REASONS, type PemPair } from '../../src/model';
import { filesOfEveryFormat, PASSWORD, rsaIssuer, type FormatFile } from '../support/format-files';
import { mutate, randomOf } from './mutate';

export interface FuzzResult {
  runs: number;
  /** Number of files refused, by reason; `opened` for the rest. */
  outcomes: Record<string, number>;
  slowestMs: number;
  /** Files that broke a rule, with what it takes to see it again. */
  failures: { run: number; format: string; problem: string; cert: string; key: string }[];
}

/** Reads files that were changed by chance; the same ones for a seed. */
export async function fuzz(options: { runs: number; seed: number; maxMs: number }): Promise<FuzzResult> {
  const random = randomOf(options.seed);
  const names = ['www.example.test'];
  const issuer = rsaIssuer();
  const files = [
    ...filesOfEveryFormat(issuer.issue({ names, key: 'rsa-2048' })),
    ...filesWithEllipticKey(issuer.issue({ names, key: 'p256' })),
  ];
  const pick = () => files[Math.floor(random() * files.length)] as FormatFile;
  const result: FuzzResult = { runs: options.runs, outcomes: {}, slowestMs: 0, failures: [] };
  for (let run = 0; run < options.runs; run++) {
    const file = pick();
    const hitsKey = file.key !== undefined && random() < 0.4;
    const cert = hitsKey ? file.cert : mutate(file.cert, pick().cert, random);
    const key = hitsKey ? mutate(file.key ?? file.cert, pick().cert, random) : file.key;
    const began = performance.now();
    let problem: string | null;
    try {
      problem = await read(cert, key, result);
    } catch (error) {
      problem = (error as Error).stack ?? String(error);
    }
    const tookMs = performance.now() - began;
    result.slowestMs = Math.max(result.slowestMs, tookMs);
    if (tookMs > options.maxMs) problem ??= `it took ${Math.round(tookMs)} ms`;
    if (problem === null) continue;
    const [certHex, keyHex] = [cert, key ?? Buffer.alloc(0)].map((bytes) => bytes.toString('hex'));
    result.failures.push({ run, format: file.format, problem, cert: certHex ?? '', key: keyHex ?? '' });
  }
  return result;
}

/** @returns which rule is broken, or null */
async function read(cert: Buffer, key: Buffer | undefined, result: FuzzResult): Promise<string | null> {
  const given = key === undefined ? { cert } : { cert, key };
  const { opened } = await inspectFiles({ location: '/certs/www', password: PASSWORD, ...given });
  const why = isRefusal(opened) ? opened : (checkKeyAndChain(opened) ?? opened);
  const outcome = isRefusal(why) ? why.reason : 'opened';
  result.outcomes[outcome] = (result.outcomes[outcome] ?? 0) + 1;
  if (!isRefusal(why)) return isReadable(toPem(why)) ? null : 'OpenSSL cannot use what Kong gets';
  if (!(why.reason in REASONS)) return `${why.reason} is no reason`;
  if (why.message.includes(PASSWORD)) return 'the password stands in the message';
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x1f]/.test(why.message)) return 'there are control characters in the message';
  return why.message.length > 1_000 ? 'the message is too long' : null;
}

/** Whether OpenSSL, like Kong, takes leaf and key for a pair. */
export function isReadable({ cert, key }: PemPair): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

/** They are read in a way of their own. */
function filesWithEllipticKey({ chain, key, privateKey }: Issued): FormatFile[] {
  const cert = Buffer.from(chain);
  const sec1 = privateKey.export({ type: 'sec1', format: 'pem' });
  return [
    { format: 'PEM, elliptic key', cert, key: Buffer.from(key) },
    { format: 'PEM, elliptic key of the older form', cert, key: Buffer.from(sec1) },
    {
      format: 'PEM with a DER elliptic key',
      cert,
      key: privateKey.export({ type: 'pkcs8', format: 'der' }),
    },
  ];
}
