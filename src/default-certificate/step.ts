import type { Log } from '../model';
import type { ReloaderStatus } from '../public';
import type { PassContext, Step } from '../pass';
import type { DefaultCertificate } from './state';
import './status';

/**
 * Goes before the scan of the sources: what clients without SNI get decides whether Kong should have the files'
 * certificate for the SNI `*`.
 */
export class ObserveDefaultStep implements Step {
  constructor(private readonly certificate: DefaultCertificate) {}

  run({ touched }: PassContext): Promise<void> {
    return this.certificate.observe(touched === undefined);
  }
}

/** Has Kong reload its files where that is due. Comes last, since it ends this process. */
export class ReloadStep implements Step {
  #said = '';

  constructor(private readonly certificate: DefaultCertificate) {}

  async run(pass: PassContext): Promise<void> {
    // Each gateway reloads its own Kong, whoever writes to the database.
    if (!pass.observe && (await this.certificate.reload())) pass.leave('settling');
    const { detail } = this.certificate.status;
    if (detail !== '') pass.report.notes.push(detail);
  }

  status(): Partial<ReloaderStatus> {
    return { default_certificate: this.certificate.status };
  }

  /** A line for each file when what clients without SNI get differs from Kong's files, and when it does no more. */
  log(log: Log): void {
    const { state, detail, files } = this.certificate.status;
    if (detail === this.#said) return;
    const wasOpen = this.#said !== '';
    this.#said = detail;
    const isGood = state === 'in_sync';
    if (detail === '' && !(isGood && wasOpen)) return;
    const message = isGood
      ? 'clients without SNI get the certificate of the files'
      : 'default certificate not up to date';
    for (const file of files) {
      log(isGood ? 'info' : 'warn', message, {
        state,
        location: file.location,
        fingerprint_sha256: file.fingerprint_sha256,
        served_fingerprint_sha256: file.served_without_sni_sha256,
        not_after: file.not_after,
        detail,
      });
    }
  }
}
