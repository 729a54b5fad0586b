import type { CertificateRow, Row, SniRow } from './entities/rows';
import type { SeedCertificate } from './options';
import { nowSeconds } from './schema/process';
import { derivedId, newId } from './uuid';

/** Rows for certificates that are taken as they are, each with the table that it belongs to. */
export function* seedRows(certificates: readonly SeedCertificate[]): Generator<[table: string, row: Row]> {
  const now = nowSeconds();
  for (const { id = newId(), cert, key, snis, tags } of certificates) {
    const shared = { created_at: now, updated_at: now };
    const certificate: CertificateRow = {
      id,
      cert,
      key,
      cert_alt: null,
      key_alt: null,
      tags: tags === undefined ? null : [...tags],
      snis: null,
      ...shared,
    };
    yield ['certificates', certificate];
    for (const name of snis) {
      const sni: SniRow = { id: derivedId('snis', name), name, certificate: { id }, tags: null, ...shared };
      yield ['snis', sni];
    }
  }
}
