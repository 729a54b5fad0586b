import type { Reading, Source, SourceScan } from '../model';
import type { DefaultCertificate } from './state';

/** The files of Kong's `ssl_cert` as bundles for the certificate with the SNI `*`. */
export class DefaultCertificateSource implements Source {
  readonly id = 'default_certificate';
  readonly snis = ['*'];

  constructor(private readonly certificate: DefaultCertificate) {}

  /** True only while clients get another certificate than the one in the files: otherwise Kong needs no `*`. */
  get create(): boolean {
    return this.certificate.isPromoted;
  }

  /** Returns what the last observation read. */
  scan(): Promise<SourceScan> {
    const { changed, total } = this.certificate.files.takeChanged();
    return Promise.resolve({ changed, removed: [], total, errors: [] });
  }

  read(name: string): Reading | Promise<Reading> {
    return this.certificate.files.read(name);
  }

  watch(touched: (what: string) => void): () => void {
    return this.certificate.files.watch(touched);
  }
}
