import { decodePem, identify, parseCertificate } from '../../certificates';
import type { StoredCa } from '../../model';
import type { AdminClient } from './client';
import { readPages } from './pages';

/** A CA certificate as the Admin API shows it. */
interface CaEntity {
  id: string;
  cert: string;
  cert_digest?: string | null;
  tags?: string[] | null;
}

/**
 * Reads every CA certificate of a Kong at once; there are few.
 * @throws AdminError
 */
export async function readCas(client: AdminClient): Promise<Map<string, StoredCa>> {
  const stored = new Map<string, StoredCa>();
  for await (const page of readPages<CaEntity>(client, '/ca_certificates')) {
    for (const entity of page) stored.set(entity.id, toStoredCa(entity));
  }
  return stored;
}

function toStoredCa({ id, cert, cert_digest: digest, tags }: CaEntity): StoredCa {
  const found = identity(cert);
  return { id, digest: found?.digest ?? digest ?? '', certificate: found, tags: tags ?? [] };
}

function identity(pem: string): ReturnType<typeof identify> | null {
  const [block] = decodePem(pem) ?? [];
  try {
    return block === undefined ? null : identify(parseCertificate(block.der));
  } catch {
    return null;
  }
}
