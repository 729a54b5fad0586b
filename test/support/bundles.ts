import { openBundle, type OpenedBundle } from '../../src/certificates';
import { Authority, type Issued, type IssueOptions } from '../../src/authority/authority';
import { isRefusal, type RawBundle, type Refusal } from '../../src/model';

let shared: { root: Authority; intermediate: Authority } | null = null;

/** One root and one intermediate for every test of a file that does not care which. */
export function authorities(): { root: Authority; intermediate: Authority } {
  if (shared === null) {
    const root = Authority.root();
    shared = { root, intermediate: root.intermediate() };
  }
  return shared;
}

/** A certificate of the shared intermediate; by default for `www.example.test`. */
export function issue(options: Partial<IssueOptions> = {}): Issued {
  return authorities().intermediate.issue({ names: ['www.example.test'], ...options });
}

export const LOCATION = '/certs/www.crt';

/** A bundle as a source would have read it. */
export function raw(texts: { cert?: string; key?: string; lone?: boolean }): RawBundle {
  return { name: 'www.crt', location: LOCATION, cert: '', key: '', ...texts };
}

/** A whole bundle as a source would have read it: chain and key. */
export const rawOf = ({ chain, key }: Issued): RawBundle => raw({ cert: chain, key });

/** @throws Error where the bundle is refused */
export function opened(bundle: RawBundle): OpenedBundle {
  const found = openBundle(bundle);
  if (isRefusal(found)) throw new Error(`refused: ${found.reason}: ${found.message}`);
  return found;
}

/** @throws Error where it is not refused */
export function refusalOf(found: object | null): Refusal {
  if (found === null || !isRefusal(found)) throw new Error('it was not refused');
  return found;
}

/** The PEM blocks of a text, each with its line feed. */
export function blocksOf(pem: string): string[] {
  return pem.match(/-----BEGIN [^-]+-----[^]*?-----END [^-]+-----\n?/g) ?? [];
}

/** DER of the first block of a PEM text. */
export function derOf(pem: string): Buffer {
  const body = blocksOf(pem)[0]?.replace(/-----[^-]+-----/g, '') ?? '';
  return Buffer.from(body, 'base64');
}

/** Lines of a PEM body long enough to be a secret: none of them may stand in a message. */
export function secretsIn(pem: string): string[] {
  return pem.split(/\r?\n/).filter((line) => line.length > 8 && !line.startsWith('-----'));
}
