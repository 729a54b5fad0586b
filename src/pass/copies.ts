import type { Source, SourcedBundle } from '../model';

/** A bundle as one of several that may be the same. */
export interface Member {
  id: string;
  name: string;
  source: Source;
  bundle: SourcedBundle;
}

/** Several that are the same. */
interface Group {
  /** The one that is shown. */
  first: Member;
  others: Set<Member>;
}

type Index = Map<string, Member | Group>;

const isGroup = (found: Member | Group): found is Group => 'others' in found;

/**
 * Tells which bundles are copies of another one: the same content in one source, or the same file in two sources. One
 * of them is shown: of a source that creates, else of the first source, by the plainest name.
 */
export class Copies {
  readonly #members = new Map<string, Member>();
  readonly #byContent = new Map<Source, Index>();
  readonly #byFile: Index = new Map();
  readonly #hidden = new Set<string>();

  set(member: Member): void {
    this.delete(member.id);
    this.#members.set(member.id, member);
    for (const [index, key] of this.keysOf(member)) {
      const found = index.get(key);
      if (found === undefined) index.set(key, member);
      else {
        const first = isGroup(found) ? found.first : found;
        if (isGroup(found)) join(found, member);
        else index.set(key, join({ first: found, others: new Set() }, member));
        this.note(first);
      }
    }
    this.note(member);
  }

  delete(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    this.#hidden.delete(id);
    for (const [index, key] of this.keysOf(member)) {
      const found = index.get(key);
      if (found === member) index.delete(key);
      else if (found !== undefined && isGroup(found)) this.note(leave(index, key, found, member));
    }
  }

  has(id: string): boolean {
    return this.#hidden.has(id);
  }

  private note(member: Member): void {
    const isHidden = this.keysOf(member).some(([index, key]) => isBehind(index.get(key), member));
    if (isHidden) this.#hidden.add(member.id);
    else this.#hidden.delete(member.id);
  }

  /** Files of a source that are shown for another one, with that one. */
  *ofFiles(source: Source): Iterable<{ location: string; first: Source }> {
    for (const found of this.#byFile.values()) {
      if (!isGroup(found) || found.first.source === source) continue;
      const { location } = found.first.bundle;
      for (const other of found.others)
        if (other.source === source) yield { location, first: found.first.source };
    }
  }

  private keysOf({ bundle, source }: Member): [index: Index, key: string][] {
    // What Kong has from files of its own is beside everything else.
    if (bundle.snis !== undefined) return [];
    const byContent = this.#byContent.get(source) ?? new Map<string, Member | Group>();
    this.#byContent.set(source, byContent);
    const keys: [Index, string][] = [[byContent, bundle.content]];
    if (bundle.location.startsWith('/')) keys.push([this.#byFile, bundle.location]);
    return keys;
  }
}

function join(group: Group, member: Member): Group {
  if (compare(member, group.first) < 0) {
    group.others.add(group.first);
    group.first = member;
  } else group.others.add(member);
  return group;
}

/** @returns the one that is shown then */
function leave(index: Index, key: string, group: Group, member: Member): Member {
  if (!group.others.delete(member)) {
    const [first, ...others] = [...group.others].sort(compare);
    group.first = first as Member;
    group.others = new Set(others);
  }
  if (group.others.size === 0) index.set(key, group.first);
  return group.first;
}

const isBehind = (found: Member | Group | undefined, member: Member) =>
  found !== undefined && isGroup(found) && found.first !== member;

function compare(a: Member, b: Member): number {
  return (
    Number(b.bundle.create) - Number(a.bundle.create) ||
    (a.bundle.order ?? 0) - (b.bundle.order ?? 0) ||
    Number(a.name.includes('*')) - Number(b.name.includes('*')) ||
    a.name.split('/').length - b.name.split('/').length ||
    (a.id < b.id ? -1 : 1)
  );
}
