import type { PassReport, Reporter } from '../model';
import type { Fields } from './log-fields';
import type { Logger } from './logger';

/** A line when the declarative file was written, and one for each thing that stands in the way, once. */
export class WriteBackLog implements Reporter {
  #said = new Set<string>();

  constructor(
    private readonly logger: Logger,
    private readonly common: Fields = {},
  ) {}

  pass({ writeBack: found }: PassReport): void {
    if (found === undefined) return;
    const { file, written, left, trouble } = found;
    for (const certificate of written) {
      this.logger.log('info', 'declarative file up to date', {
        ...this.common,
        file,
        certificate_id: certificate,
      });
    }
    const troubles = left.map(({ certificate, why }) => ({
      certificate_id: certificate,
      detail: `certificate ${certificate} is not written to ${file ?? 'the file'}: ${why}`,
    }));
    const all: Fields[] = [...troubles, ...(trouble === null ? [] : [{ detail: trouble }])];
    const before = this.#said;
    this.#said = new Set(all.map(({ detail }) => String(detail)));
    for (const fields of all) {
      if (before.has(String(fields.detail))) continue;
      this.logger.log('warn', 'declarative file not written', { ...this.common, file, ...fields });
    }
  }

  failed(): void {
    // A pass that was not made has not written anything.
  }
}
