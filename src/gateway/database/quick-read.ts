import type { AdminClient } from '../admin/client';
import type { CertificateEntity } from '../admin/entities';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Path of the page of one certificate that begins with this one: Kong's `offset` holds the id before. Null: there is no
 * such page.
 */
export function pageOfOne(id: string): string | null {
  if (!UUID.test(id)) return null;
  const number = BigInt(`0x${id.replaceAll('-', '')}`);
  if (number === 0n) return null;
  const hex = (number - 1n).toString(16).padStart(32, '0');
  const before = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  // Kong's alphabet is that of plain base64, without padding.
  const offset = Buffer.from(JSON.stringify([before]))
    .toString('base64')
    .replace(/=+$/, '');
  return `/certificates?size=1&offset=${encodeURIComponent(offset)}`;
}

/**
 * Reads a certificate as a page of its own. Kong's Admin API sleeps 2 ms at the start of each request and before each
 * answer; for `/certificates/ID`, but not for lists, a third time in between.
 * @returns undefined where there is no answer about this certificate: the shortcut is tried once
 */
export async function readByPage(client: AdminClient, id: string): Promise<CertificateEntity | undefined> {
  const path = pageOfOne(id);
  if (path === null) return undefined;
  const answer = await client.request('GET', path, undefined, undefined, 1).catch(() => null);
  if (answer?.status !== 200) return undefined;
  const data = (answer.body as { data?: unknown } | null)?.data;
  const [first] = (Array.isArray(data) ? data : []) as (CertificateEntity | null)[];
  return first?.id === id ? first : undefined;
}
