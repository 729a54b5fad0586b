import type { Half, ObservedHome, StoredCertificate } from '../model';

/** Where what Kong has came from: bundle ids, by SNI (or by the certificate where it has none). */
export interface Homes {
  of(certificate: StoredCertificate, half: Half): readonly string[];
  /** Of a name that no certificate has at the moment. */
  ofName(name: string): readonly string[];
}

export const NO_HOMES: Homes = { of: () => [], ofName: () => [] };

/** Copies of one key pair in so many places count as its homes. */
const MOST_PLACES = 4;
/** More than 10,000 certificates with four names each; with the longest names about 10 MB. */
const MOST_NAMES = 40_000;
const VERSION = 1;

/**
 * Remembers the home of each name: the places whose content Kong has or had. What it knows is a plain value without
 * any secret, small enough to be kept in a file from one process to the next.
 */
export class HomeBook implements Homes {
  readonly #places = new Map<string, readonly string[]>();
  #isChanged = false;

  of({ id, snis }: StoredCertificate, half: Half): readonly string[] {
    if (snis.length === 0) return this.#places.get(keyOf(`#${id}`, half)) ?? [];
    let found: readonly string[] = [];
    for (const sni of snis) {
      const places = this.#places.get(keyOf(sni, half));
      if (places === undefined || places === found) continue;
      found = found.length === 0 ? places : [...new Set([...found, ...places])];
    }
    return found;
  }

  ofName(name: string): readonly string[] {
    const [main = [], alt = []] = [this.#places.get(name), this.#places.get(keyOf(name, 'alt'))];
    return alt.length === 0 ? main : [...new Set([...main, ...alt])];
  }

  /** Takes over what a plan saw in Kong, once it is known that the keys belong to it. */
  note(observed: readonly ObservedHome[]): void {
    for (const { certificate, half, places } of observed) {
      const { id, snis } = certificate;
      for (const name of snis.length === 0 ? [`#${id}`] : snis) this.remember(keyOf(name, half), places);
    }
    for (const name of this.#places.keys()) {
      if (this.#places.size <= MOST_NAMES) break;
      this.#places.delete(name);
    }
  }

  /** Whether something is new since the last call. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /** What `load` understands; names are grouped by place, since most places have several. */
  serialise(): string {
    const groups = new Map<string, string[]>();
    for (const [name, places] of this.#places) {
      const key = JSON.stringify(places);
      const names = groups.get(key);
      if (names === undefined) groups.set(key, [name]);
      else names.push(name);
    }
    const homes = [...groups].map(([places, names]) => `[${places},${JSON.stringify(names)}]`);
    return `{"version":${VERSION},"homes":[\n${homes.join(',\n')}\n]}\n`;
  }

  /** A book with what another one knew; what is not understood is left out. */
  static load(text: string): HomeBook {
    const book = new HomeBook();
    for (const [places, names] of entriesOf(text)) {
      const few = places.slice(0, MOST_PLACES);
      for (const name of names.slice(0, MOST_NAMES - book.#places.size)) book.#places.set(name, few);
    }
    return book;
  }

  private remember(key: string, places: readonly string[]): void {
    const known = this.#places.get(key);
    if (known !== undefined && known.length === places.length && places.every((one) => known.includes(one)))
      return;
    const few = places.slice(0, MOST_PLACES);
    if (known !== undefined && known.length === few.length && few.every((one) => known.includes(one))) return;
    // The latest stands last, so that the oldest is forgotten first.
    this.#places.delete(key);
    this.#places.set(key, few);
    this.#isChanged = true;
  }
}

const keyOf = (name: string, half: Half) => (half === 'main' ? name : `${name} alt`);

function entriesOf(text: string): [string[], string[]][] {
  try {
    const found = JSON.parse(text) as { version?: unknown; homes?: unknown };
    if (found.version !== VERSION || !Array.isArray(found.homes)) return [];
    return (found.homes as unknown[]).filter(isEntry);
  } catch {
    return [];
  }
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');

const isEntry = (value: unknown): value is [string[], string[]] =>
  Array.isArray(value) && value.length === 2 && value.every(isTexts);
