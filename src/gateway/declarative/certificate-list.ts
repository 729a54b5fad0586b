import { Slices } from '../../common/slices';
import type { CertificateTexts, FreshPair, StoredCertificate } from '../../model';
import { CertificateList } from '../admin/certificate-list';
import type { AdminClient } from '../admin/client';
import { ClientUse } from '../admin/client-use';
import { toEntity } from '../admin/entities';
import type { DocumentCertificates } from './certificates';
import type { Edited } from './editor';
import type { ConfigurationState } from './state';

/** Known halves of the certificates of a post, by id: they are not parsed. */
interface Known {
  /** Certificates that a rollback restored. */
  former?: ReadonlyMap<string, StoredCertificate>;
  /** Pairs that were written. */
  fresh?: ReadonlyMap<string, FreshPair>;
}

/** The certificates of a configuration, read again when its hash has changed. */
export class CertificatesOfConfiguration extends CertificateList {
  readonly #use = new ClientUse(this.client);
  /** Hash of the configuration that was read; empty: unknown. */
  #hash = '';

  constructor(
    client: AdminClient,
    private readonly state: ConfigurationState,
    /** Called with the hash of what was read. */
    private readonly loaded: (hash: string) => void = () => undefined,
  ) {
    super(client);
  }

  override async refresh(): Promise<boolean> {
    const hash = await this.state.hash();
    return this.isLoaded && hash === this.#hash ? false : this.loadFor(hash);
  }

  /** Whether the configuration with this hash was read. */
  isOf(hash: string): boolean {
    return this.isLoaded && hash === this.#hash;
  }

  /** Takes over the changes of a post, which saves reading everything. */
  async follow(edited: Edited, certificates: DocumentCertificates | null, known: Known = {}): Promise<void> {
    if (edited.kind !== 'posted') return;
    try {
      if (edited.isWhole && certificates !== null && this.isOf(edited.base)) {
        await this.learn(certificates, known);
        this.#hash = edited.now;
      } else await this.loadFor(await this.state.hash());
    } catch {
      // The post was made all the same; the next refresh reads it.
      this.#hash = '';
    }
  }

  private async learn(certificates: DocumentCertificates, { former, fresh }: Known): Promise<void> {
    const slices = new Slices();
    for (const id of certificates.touched) {
      const texts = await this.textsIn(certificates, id);
      if (texts === null) this.delete(id);
      else this.take(toEntity(id, texts), former?.get(id), fresh?.get(id));
      if (slices.due) await slices.pause();
    }
  }

  /** The texts of a certificate in a document; asked from Kong where their notation is unknown. */
  async textsIn(certificates: DocumentCertificates, id: string): Promise<CertificateTexts | null> {
    const texts = certificates.textsOf(id);
    return texts === undefined ? this.readTexts(id) : texts;
  }

  private async loadFor(hash: string): Promise<boolean> {
    const shown = await this.#use.load();
    this.setClients(this.#use.byCertificate(), shown);
    const changed = await this.load();
    this.#hash = hash;
    this.loaded(hash);
    return changed || shown.size > 0;
  }
}
