import type { CertificateTexts } from '../../model';
import { CertificateList } from '../admin/certificate-list';
import { ClientUse } from '../admin/client-use';
import type { DocumentCertificates } from './certificates';
import { configurationHash } from './post';

/** The certificates of a configuration whose hash tells whether there is anything new. */
export class CertificatesOfConfiguration extends CertificateList {
  readonly #use = new ClientUse(this.client);
  /** Of the configuration that the list is of; empty: it is not known. */
  #hash = '';

  override async refresh(): Promise<boolean> {
    const hash = await configurationHash(this.client);
    return this.isLoaded && hash === this.#hash ? false : this.loadFor(hash);
  }

  /** Whether the list is of the configuration with this hash. */
  isOf(hash: string): boolean {
    return this.isLoaded && hash === this.#hash;
  }

  /** After a post. What cannot be read now is read by the next refresh. */
  async reload(): Promise<void> {
    try {
      await this.loadFor(await configurationHash(this.client));
    } catch {
      this.#hash = '';
    }
  }

  /** The texts of a certificate in a document; Kong is asked where they are written in an unknown way. */
  async textsIn(certificates: DocumentCertificates, id: string): Promise<CertificateTexts | null> {
    const texts = certificates.textsOf(id);
    return texts === undefined ? this.readTexts(id) : texts;
  }

  private async loadFor(hash: string): Promise<boolean> {
    const shown = await this.#use.load();
    this.setClients(this.#use.byCertificate(), shown);
    const changed = await this.load();
    this.#hash = hash;
    return changed || shown.size > 0;
  }
}
