import { CertificateList } from '../admin/certificate-list';
import { ClientUse } from '../admin/client-use';
import { ReadsAhead } from './reads-ahead';

/** The certificates of a Kong with a database, refreshed page by page. */
export class CertificatesOfDatabase extends CertificateList {
  readonly #use = new ClientUse(this.client);
  readonly readsAhead = new ReadsAhead((id) => this.readEntity(id));

  readAhead(id: string): void {
    this.readsAhead.begin(id);
  }

  override async refresh(): Promise<boolean> {
    const shown = this.isLoaded ? await this.#use.patrol() : await this.#use.load();
    this.setClients(this.#use.byCertificate(), shown);
    return (await super.refresh()) || shown.size > 0;
  }
}
