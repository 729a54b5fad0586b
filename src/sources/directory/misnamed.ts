import { printable } from '../../common/printable';
import { refusal, type StrayFile } from '../../model';
import type { KnownFile } from './known-files';
import { hasKnownEnding, parseName, type ParsedName } from './names';

/*
 * Files whose endings nobody knows are never taken: they may be backups, or half of something. One that holds a
 * certificate or a key is accounted for, unless it is a copy of a file that is looked at.
 */

/** Most such files of a folder that are read; some tools leave several for each certificate. */
const MOST_IN_FOLDER = 100;

/** Endings of files that tools leave beside certificates, or that only mention them. */
const ABOUT = /\.(csr|req|crl|ocsp|json|ya?ml|conf|cnf|cfg|ini|log|md|html?|sh|srl)$/;

/** Traefik keeps every certificate in one file of JSON. */
const TRAEFIKS_STORE = 'acme.json';

/** Files of a folder with an unknown ending, without copies named after another file. */
export function misnamedAmong(names: readonly string[]): ParsedName[] {
  const unknown = names.filter((name) => !hasKnownEnding(name) && parseName(name) === null);
  const likely = unknown.filter(
    (name) => name === TRAEFIKS_STORE || (name.includes('.') && !ABOUT.test(name.toLowerCase())),
  );
  if (likely.length === 0) return [];
  const stems = new Set(names.flatMap((name) => parseName(name)?.stem ?? []));
  return likely
    .slice(0, MOST_IN_FOLDER)
    .filter((name) => !isNamedAfter(name, stems))
    .map((name) => ({ name, role: 'certificate', stem: '', base: name, number: null, isPlain: true }));
}

/** `shop.crt.bak`, `shop.bak` and `shop.crt~` beside `shop.crt`. */
function isNamedAfter(name: string, stems: ReadonlySet<string>): boolean {
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const stem = parseName(`${name.slice(0, dot)}.pem`)?.stem;
    if (stem !== undefined && stems.has(stem)) return true;
  }
  return false;
}

const WHAT: Partial<Record<KnownFile['facts']['kind'], string>> = {
  bundle: 'a certificate with its key',
  leaf: 'a certificate',
  key: 'a private key',
  locked: 'a private key',
};

/** Stray files: certificates and keys that are in none of the other files. */
export function misnamedStrays(misnamed: readonly KnownFile[], others: readonly KnownFile[]): StrayFile[] {
  if (misnamed.length === 0) return [];
  const keysOf = ({ facts }: KnownFile) => [...facts.publicKeys, facts.leaf?.publicKey ?? []].flat();
  const known = new Set(others.flatMap(keysOf));
  return misnamed.flatMap((file): StrayFile[] => {
    const location = printable(file.path);
    if (file.name.name === TRAEFIKS_STORE) return [{ location, ...notRead(location) }];
    const what = WHAT[file.facts.kind];
    if (what === undefined || keysOf(file).some((key) => known.has(key))) return [];
    const why = `${location} holds ${what}, and files with that extension are not read; name it .pem, .crt or .key if it should be served`;
    return [{ location, ...refusal('unsupported_format', why) }];
  });
}

const notRead = (location: string) =>
  refusal(
    'unsupported_format',
    `${location} is Traefik's store, which is not read; traefik-certs-dumper writes its certificates as files`,
  );
