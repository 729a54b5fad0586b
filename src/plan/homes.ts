import { inTurn, type Half, type ObservedHome, type StoredCertificate } from '../model';

/** The known home of a name. */
interface Home {
  /** Bundle ids. */
  places: readonly string[];
  /** Digests of the latest leaves that Kong had for the name while that was its home. */
  leaves: readonly string[];
}

/** Homes of Kong's certificates: by SNI, or by certificate where it has none. */
export interface Homes {
  /** Null: unknown. */
  of(certificate: StoredCertificate, half: Half): Home | null;
  /** Places of a name that no certificate has at the moment. */
  ofName(name: string): readonly string[];
  /** Names that Kong had from these places with the latest leaf of each, by place; what it had before was given up. */
  namesAt(places: ReadonlySet<string>): ReadonlyMap<string, readonly string[]>;
}

/** Most copies of one key pair that count as homes. */
const MOST_PLACES = 4;
/** More than one, since a gateway may start again from a file with an older certificate. */
const MOST_LEAVES = 3;
/** Enough for 10,000 certificates with four names each. */
const MOST_NAMES = 40_000;
const VERSION = 1;

const NOWHERE: readonly string[] = [];

/**
 * Remembers the home of each name: the places whose content Kong has or had. Its data holds no secret and is small
 * enough for a file that the next process reads.
 */
export class HomeBook implements Homes {
  readonly #homes = new Map<string, Home>();
  #isChanged = false;
  /** Whether any certificate has two halves. */
  #hasAlt = false;

  of(certificate: StoredCertificate, half: Half): Home | null {
    let found: Home | null = null;
    for (const name of namesOf(certificate)) {
      const home = this.#homes.get(keyOf(name, half));
      if (home === undefined || home === found) continue;
      if (found === null) found = home;
      // For a certificate assembled from several, the observed home counts first.
      else if (isSeen(found, certificate, half) !== isSeen(home, certificate, half))
        found = isSeen(home, certificate, half) ? home : found;
      else if (!isSameList(home.places, found.places))
        found = { places: [...new Set([...found.places, ...home.places])], leaves: found.leaves };
    }
    return found;
  }

  ofName(name: string): readonly string[] {
    const main = this.#homes.get(name)?.places ?? NOWHERE;
    const alt = this.#hasAlt ? this.#homes.get(keyOf(name, 'alt'))?.places : undefined;
    return alt === undefined ? main : [...new Set([...main, ...alt])];
  }

  namesAt(places: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, { leaf: string | undefined; names: string[] }>();
    if (places.size === 0) return new Map();
    for (const [name, home] of this.#homes) {
      if (name.startsWith('#') || name.endsWith(ALT)) continue;
      const [leaf] = home.leaves;
      for (const place of home.places) {
        if (!places.has(place)) continue;
        const known = found.get(place);
        // The latest stands last.
        if (known !== undefined && known.leaf === leaf) known.names.push(name);
        else found.set(place, { leaf, names: [name] });
      }
    }
    return new Map([...found].map(([place, { names }]) => [place, names]));
  }

  /** Takes over what a plan of everything observed in Kong, once the keys are known to fit. */
  note(observed: readonly ObservedHome[]): void {
    const changed: string[] = [];
    for (const { certificate, half, places } of observed) {
      const leaf = leafOf(certificate, half);
      const few = places.length > MOST_PLACES ? places.slice(0, MOST_PLACES) : places;
      let shared: Home | undefined;
      for (const name of namesOf(certificate)) {
        const key = keyOf(name, half);
        const known = this.#homes.get(key);
        if (known?.leaves[0] === leaf && isSameList(known.places, few)) continue;
        const before = known !== undefined && isSameList(known.places, few) ? known.leaves : NOWHERE;
        const leaves = [leaf, ...before.filter((one) => one !== leaf)].slice(0, MOST_LEAVES);
        // Names of one certificate share one home.
        if (shared === undefined || !isSameList(shared.leaves, leaves)) shared = { places: few, leaves };
        // The latest moves to the end, so that the oldest is forgotten first.
        if (known !== undefined) this.#homes.delete(key);
        this.set(key, shared);
        changed.push(key);
      }
    }
    if (this.#homes.size > MOST_NAMES) this.shrink(observed);
    if (changed.some((key) => this.#homes.has(key))) this.#isChanged = true;
  }

  /**
   * Forgets names of those who have most of them: a tenant with thousands takes no home from another. Names that Kong
   * has now are kept before others.
   */
  private shrink(observed: readonly ObservedHome[]): void {
    const seen = new Set(
      observed.flatMap(({ certificate, half }) => namesOf(certificate).map((name) => keyOf(name, half))),
    );
    const all = [...this.#homes.keys()];
    const present = all.filter((key) => seen.has(key));
    const past = all.filter((key) => !seen.has(key)).reverse();
    const kept = inTurn([...present, ...past], (key) => ownerOfPlace(this.#homes.get(key)?.places[0] ?? ''));
    for (const key of kept.slice(MOST_NAMES)) this.#homes.delete(key);
  }

  /** Whether something changed since the last call. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /** A text for `load`; names of one home are grouped. */
  serialise(): string {
    const groups = new Map<string, string[]>();
    for (const [name, { places, leaves }] of this.#homes) {
      const key = `${JSON.stringify(places)},${JSON.stringify(leaves)}`;
      const names = groups.get(key);
      if (names === undefined) groups.set(key, [name]);
      else names.push(name);
    }
    const homes = [...groups].map(([key, names]) => `[${key},${JSON.stringify(names)}]`);
    return `{"version":${VERSION},"homes":[\n${homes.join(',\n')}\n]}\n`;
  }

  /** Restores a book from a text; unreadable entries are left out. */
  static load(text: string): HomeBook {
    const book = new HomeBook();
    for (const [places, leaves, names] of entriesOf(text)) {
      const home = { places: places.slice(0, MOST_PLACES), leaves: leaves.slice(0, MOST_LEAVES) };
      for (const name of names.slice(0, MOST_NAMES - book.#homes.size)) book.set(name, home);
    }
    return book;
  }

  private set(key: string, home: Home): void {
    this.#homes.set(key, home);
    if (key.endsWith(ALT)) this.#hasAlt = true;
  }
}

/**
 * Whether Kong's present leaf was observed while that was the home: a certificate that another writer has created
 * under the name since has nothing to do with it.
 */
export function isSeen({ leaves }: Home, certificate: StoredCertificate, half: Half): boolean {
  const chain = certificate[half]?.chain ?? '';
  return chain !== '' && leaves.some((leaf) => chain.startsWith(leaf));
}

const ALT = ' alt';

const keyOf = (name: string, half: Half) => (half === 'main' ? name : `${name}${ALT}`);

const namesOf = ({ id, snis }: StoredCertificate) => (snis.length === 0 ? [`#${id}`] : snis);

/** 72 bits of the leaf's digest suffice to distinguish it from the few others of its name. */
const leafOf = (certificate: StoredCertificate, half: Half) => certificate[half]?.chain.slice(0, 12) ?? '';

const isSameList = (a: readonly string[], b: readonly string[]) =>
  a === b || (a.length === b.length && a.every((one) => b.includes(one)));

/** Place of a Secret without its name: one tenant of a cluster. */
const ownerOfPlace = (place: string) => /^[^#]*#[^/]*/.exec(place)?.[0] ?? place;

type Entry = [places: string[], leaves: string[], names: string[]];

function entriesOf(text: string): Entry[] {
  try {
    const found = JSON.parse(text) as { version?: unknown; homes?: unknown };
    if (found.version !== VERSION || !Array.isArray(found.homes)) return [];
    return (found.homes as unknown[]).filter(isEntry);
  } catch {
    return [];
  }
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');

const isEntry = (value: unknown): value is Entry =>
  Array.isArray(value) && value.length === 3 && value.every(isTexts);
