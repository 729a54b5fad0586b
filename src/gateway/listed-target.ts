import type { Digest, StoredCertificate, StoredHalf } from '../model';
import { AdminError, type AdminClient } from './admin/client';
import { CertificateList } from './admin/certificate-list';

/** What both kinds of Kong have in common: certificates that are listed through the Admin API. */
export abstract class ListedTarget {
  protected readonly list: CertificateList;

  constructor(protected readonly client: AdminClient) {
    this.list = new CertificateList(client);
  }

  get certificates(): ReadonlyMap<string, StoredCertificate> {
    return this.list.certificates;
  }

  get isLoaded(): boolean {
    return this.list.loaded;
  }

  find(content: Digest): StoredHalf | undefined {
    return this.list.find(content);
  }

  look(id: string): Promise<StoredCertificate | null> {
    return this.list.look(id);
  }

  close(): void {
    this.client.close();
  }
}

/** Somebody removed it between the decision to write and the write. */
export const goneError = (id: string): AdminError =>
  new AdminError('ADMIN_STATUS', `certificate ${id} is no longer in Kong`, 404);
