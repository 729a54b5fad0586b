import { isPattern } from '../certificates';
import type { CertificateInfo } from '../model';

/** A name in the form that certificates use: in small letters, without the root's dot. */
export const normal = (name: string): string => name.toLowerCase().replace(/(?<=.)\.$/, '');

/** Whether a name may differ from its normal form. */
export const isTyped = (name: string): boolean =>
  name.toLowerCase() !== name || (name.length > 1 && name.endsWith('.'));

type Named = Pick<CertificateInfo, 'names' | 'ips'>;

/** Longer lists are searched with a set. */
const FEW = 8;
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

export function includesName(names: readonly string[], name: string): boolean {
  if (names.length <= FEW) return names.includes(name);
  let set = sets.get(names);
  if (set === undefined) {
    set = new Set(names);
    sets.set(names, set);
  }
  return set.has(name);
}

/** The wildcard that covers a host; null: none does. */
export function wildcardOf(name: string): string | null {
  const dot = name.indexOf('.');
  return dot > 0 && !name.startsWith('*') && !isPattern(name) ? `*${name.slice(dot)}` : null;
}

/** How a leaf covers an SNI. Kong's own patterns count as covered: they are the operator's decision. */
export function coverage({ names }: Named, sni: string): 'name' | 'wildcard' | null {
  if (isPattern(sni) || includesName(names, sni)) return 'name';
  const wildcard = wildcardOf(sni);
  return wildcard !== null && includesName(names, wildcard) ? 'wildcard' : null;
}

export const covers = (leaf: Named, sni: string): boolean => coverage(leaf, sni) !== null;

/** Names and addresses. */
export const allNames = ({ names, ips = [] }: Named): readonly string[] =>
  ips.length === 0 ? names : [...names, ...ips];

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => includesName(b, name));
}

/** A few names, for a sentence. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
