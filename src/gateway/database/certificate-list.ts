import { CertificateList } from '../admin/certificate-list';
import type { CertificateEntity } from '../admin/entities';
import { ClientUse } from '../admin/client-use';
import { readByPage } from './quick-read';
import { ReadsAhead } from './reads-ahead';

/** The certificates of a Kong with a database, refreshed page by page. */
export class CertificatesOfDatabase extends CertificateList {
  readonly #use = new ClientUse(this.client);
  readonly readsAhead = new ReadsAhead((id) => this.readQuickly(id));
  /** False: this Kong's pages do not begin where they are asked to. */
  #hasPagesOfOne = true;

  readAhead(id: string): void {
    this.readsAhead.begin(id);
  }

  override async refresh(): Promise<boolean> {
    const shown = this.isLoaded ? await this.#use.patrol() : await this.#use.load();
    this.setClients(this.#use.byCertificate(), shown);
    return (await super.refresh()) || shown.size > 0;
  }

  /** A certificate that is known to exist. */
  private async readQuickly(id: string): Promise<CertificateEntity | null> {
    const entity = this.#hasPagesOfOne ? await readByPage(this.client, id) : undefined;
    if (entity !== undefined) return entity;
    const read = await this.readEntity(id);
    if (read !== null) this.#hasPagesOfOne = false;
    return read;
  }
}
