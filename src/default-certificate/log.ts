import type { PassReport, Reporter } from '../model';
import type { Fields } from './log-fields';
import type { Logger } from './logger';

/** A line for each file when what clients without SNI get differs from Kong's files, and when it does no more. */
export class DefaultCertificateLog implements Reporter {
  #said = '';

  constructor(
    private readonly logger: Logger,
    private readonly common: Fields = {},
  ) {}

  pass({ defaultCertificate: found }: PassReport): void {
    if (found === undefined || found.detail === this.#said) return;
    const wasOpen = this.#said !== '';
    this.#said = found.detail;
    const isGood = found.state === 'in_sync';
    if (found.detail === '' && !(isGood && wasOpen)) return;
    for (const file of found.files) {
      this.logger.log(
        isGood ? 'info' : 'warn',
        isGood
          ? 'clients without SNI get the certificate of the files'
          : 'default certificate not up to date',
        {
          ...this.common,
          state: found.state,
          location: file.location,
          fingerprint_sha256: file.fingerprint_sha256,
          served_fingerprint_sha256: file.served_without_sni_sha256,
          not_after: file.not_after,
          detail: found.detail,
        },
      );
    }
  }

  failed(): void {
    // What could not be looked at has not changed.
  }
}
