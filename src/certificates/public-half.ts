import type { RawBundle } from '../model';
import type { OpenedBundle } from './bundle';
import { decodePem, isPrivateKey } from './pem';
import { contentOf } from './pem-content';

type Texts = Pick<RawBundle, 'cert' | 'standalone' | 'issuers' | 'secret' | 'hosts'>;

/** An opened bundle without its key, and the texts that it is made from. */
export interface PublicHalf {
  texts: Texts;
  opened: Omit<OpenedBundle, 'key' | 'asFound'>;
}

/** Null where another of its texts than the key's may contain a key. */
export function publicHalfOf(raw: RawBundle, opened: OpenedBundle): PublicHalf | null {
  const { cert, key, standalone, issuers, secret, hosts } = raw;
  if (key === '' || ![cert, ...(issuers ?? [])].every(isPublic)) return null;
  const { bundle, chain, covered } = opened;
  const texts = { cert, standalone, issuers, secret, hosts } as Texts;
  return { texts, opened: { bundle, chain, covered } };
}

const isPublic = (text: string) =>
  text === '' || (text.includes('-----BEGIN CERTIFICATE-----') && !text.includes('PRIVATE KEY'));

/** Opens a bundle that was read again, without parsing it. @returns null where it differs */
export function withKey({ texts, opened }: PublicHalf, raw: RawBundle): OpenedBundle | null {
  if (!areSameTexts(texts, raw)) return null;
  const key = decodePem(raw.key)?.find(isPrivateKey);
  if (key === undefined || contentOf(opened.covered, key) !== opened.bundle.content) return null;
  const { bundle, chain, covered } = opened;
  return { bundle, chain, key, covered, asFound: { cert: raw.cert.trim(), key: raw.key.trim() } };
}

/** Whether two bundles differ in nothing but their keys. */
export const areSameTexts = (a: Texts, b: Texts): boolean =>
  a.cert === b.cert &&
  a.standalone === b.standalone &&
  isSame(a.issuers, b.issuers) &&
  isSame(a.secret, b.secret) &&
  isSame(a.hosts, b.hosts);

const isSame = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b);
