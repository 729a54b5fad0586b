import { Slices } from '../../common/slices';
import type { CertificateTexts, Half, PemPair } from '../../model';
import { deterministicId } from '../../model';
import { NO_ALT, OUR_TAG, pemFields, PREVIOUS_TAG } from '../admin/entities';
import type { DeclarativeDocument } from './document';
import type { Item } from './item';

const PAIR_FIELDS = ['cert', 'key', 'cert_alt', 'key_alt'] as const;

/** The certificates and SNIs of a document. */
export class DocumentCertificates {
  /** SNIs by name. */
  readonly #snis = new Map<string, Item>();
  /** Names by certificate. */
  readonly #names = new Map<string, Set<string>>();

  /** Ids of edited certificates. */
  readonly touched = new Set<string>();

  private constructor(private readonly document: DeclarativeDocument) {}

  static async of(document: DeclarativeDocument): Promise<DocumentCertificates> {
    const slices = new Slices();
    const certificates = new DocumentCertificates(document);
    for (const item of document.items('snis')) {
      const [name, certificate] = [item.get('name'), item.get('certificate')];
      if (name !== undefined && certificate !== undefined) certificates.note(name, certificate, item);
      if (slices.due) await slices.pause();
    }
    return certificates;
  }

  has(id: string): boolean {
    return this.document.find('certificates', id) !== undefined;
  }

  snisOf(id: string): string[] {
    return [...(this.#names.get(id) ?? [])];
  }

  /** Id of the certificate that has an SNI. */
  ownerOf(name: string): string | undefined {
    return this.#snis.get(name)?.get('certificate');
  }

  /** Null where the certificate is missing, undefined where the notation of its texts is unknown. */
  textsOf(id: string): CertificateTexts | null | undefined {
    const item = this.document.find('certificates', id);
    if (item === undefined) return null;
    const [cert, key, certAlt = null, keyAlt = null] = PAIR_FIELDS.map((name) => item.textOf(name));
    if (cert == null || key == null) return undefined;
    return {
      main: { cert, key },
      alt: certAlt === null || keyAlt === null ? null : { cert: certAlt, key: keyAlt },
      snis: this.snisOf(id),
      tags: item.listOf('tags'),
    };
  }

  /** @param pair null removes the second half */
  setPair(id: string, half: Half, pair: PemPair | null): void {
    this.touched.add(id);
    this.document.put('certificates', id, pair === null ? NO_ALT : pemFields(half, pair));
  }

  create(id: string, pair: PemPair): void {
    this.touched.add(id);
    this.document.put('certificates', id, { tags: [OUR_TAG], ...pemFields('main', pair) });
  }

  /** Adds a certificate of ours with the texts of another. */
  copy(from: string, to: string): void {
    this.touched.add(to);
    const original = this.document.find('certificates', from);
    const copy = this.document.put('certificates', to, { tags: [OUR_TAG, PREVIOUS_TAG] });
    if (original !== undefined) for (const name of PAIR_FIELDS) copy.copy(name, original);
  }

  /** Removes a certificate with its SNIs. */
  remove(id: string): void {
    this.touched.add(id);
    for (const name of this.snisOf(id)) this.removeSni(name);
    this.document.take('certificates', id);
  }

  /** Gives an SNI to a certificate, whichever had it. */
  setSni(name: string, id: string): void {
    const known = this.#snis.get(name);
    this.leave(name, known?.get('certificate'));
    this.touched.add(id);
    const item = known ?? this.document.put('snis', deterministicId('sni', name), { name });
    item.set('certificate', id);
    this.note(name, id, item);
  }

  removeSni(name: string): void {
    const item = this.#snis.get(name);
    if (item === undefined) return;
    this.leave(name, item.get('certificate'));
    this.#snis.delete(name);
    this.document.take('snis', item.get('id') ?? '');
  }

  private leave(name: string, certificate = ''): void {
    this.#names.get(certificate)?.delete(name);
    if (certificate !== '') this.touched.add(certificate);
  }

  private note(name: string, certificate: string, item: Item): void {
    this.#snis.set(name, item);
    const names = this.#names.get(certificate);
    if (names === undefined) this.#names.set(certificate, new Set([name]));
    else names.add(name);
  }
}
