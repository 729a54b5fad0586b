import type { PassContext, Step } from '../pass';
import type { Fields, LiveView, Log, StoredCertificate } from '../model';
import type { ReloaderStatus } from '../public';
import type { DeclarativeFile, WriteBackReport } from './declarative-file';
import './status';

/** Delay before a failed write is tried again, doubled each time up to the second value. */
const RETRY_FIRST_MS = 5_000;
const RETRY_MOST_MS = 60_000;

/** Updates the declarative file when Kong or the file has changed. */
export class WriteBackStep implements Step {
  #report: WriteBackReport | null = null;
  /** Last write (milliseconds since the epoch). */
  #writtenAt: number | null = null;
  /** Certificates written since the last log line. */
  #written: readonly string[] = [];
  #said = new Set<string>();
  #closed: string | undefined;
  #failures = 0;
  /** Time of the next try after a failed write (milliseconds since the epoch); null: the last one succeeded. */
  #retryAt: number | null = null;

  constructor(
    private readonly file: DeclarativeFile,
    private readonly live: () => LiveView,
  ) {}

  async run(pass: PassContext): Promise<void> {
    if (pass.observe) return;
    const isChanged = pass.report.events.some(
      ({ outcome }) => outcome.kind === 'swapped' || outcome.kind === 'rolled_back',
    );
    // A clock that was set back must not delay the next try.
    const waitMs = (this.#retryAt ?? Infinity) - pass.now();
    const isRetried = this.#retryAt !== null && (waitMs <= 0 || waitMs > RETRY_MOST_MS);
    if (!isChanged && !this.file.isDue && !isRetried) {
      if (this.#retryAt !== null) pass.dueAt(this.#retryAt);
      return;
    }
    const report = await this.file.run(inStep(this.live()));
    if (report.isOpen) pass.leave('settling');
    this.#failures = report.isTransient ? this.#failures + 1 : 0;
    const nextMs = Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_MOST_MS);
    this.#retryAt = report.isTransient ? pass.now() + nextMs : null;
    if (this.#retryAt !== null) pass.dueAt(this.#retryAt);
    if (report.written.length > 0) this.#writtenAt = pass.now();
    this.#written = report.written;
    this.#report = report;
    pass.report.notes.push(...notesOf(report));
  }

  status({ declarative_file: before }: Partial<ReloaderStatus>): Partial<ReloaderStatus> {
    if (this.#report === null) return before === undefined ? {} : { declarative_file: before };
    const { file, trouble, left } = this.#report;
    const writtenAt =
      this.#writtenAt === null ? (before?.written_at ?? null) : new Date(this.#writtenAt).toISOString();
    return {
      declarative_file: {
        file,
        written_at: writtenAt,
        trouble,
        left: left.map(({ certificate, why }) => ({ certificate_id: certificate, why })),
      },
    };
  }

  /** Logs when the file was written, and each obstacle once. */
  log(log: Log): void {
    if (this.#report === null) return;
    const { file, left, trouble } = this.#report;
    for (const certificate of this.#written) {
      log('info', 'declarative file up to date', { file, certificate_id: certificate });
    }
    this.#written = [];
    const { closed } = this.#report;
    if (closed !== undefined && closed !== this.#closed) {
      log('warn', 'declarative file up to date', { file, detail: closed });
      this.#closed = closed;
    }
    const all: Fields[] = [
      ...left.map(({ certificate, why }) => ({
        certificate_id: certificate,
        detail: `certificate ${certificate} is not written to ${file ?? 'the file'}: ${why}`,
      })),
      ...(trouble === null ? [] : [{ detail: trouble }]),
    ];
    const before = this.#said;
    this.#said = new Set(all.map(({ detail }) => String(detail)));
    if (before.size > 0 && all.length === 0) log('info', 'declarative file written again', { file });
    for (const fields of all) {
      if (!before.has(String(fields.detail)))
        log('warn', 'declarative file not written', { file, ...fields });
    }
  }
}

function notesOf({ file, written, left, trouble, closed }: WriteBackReport): string[] {
  const count = `${written.length} certificate${written.length === 1 ? '' : 's'}`;
  return [
    ...(written.length === 0 ? [] : [`${count} put into ${file ?? 'the file'}`]),
    ...left.map(({ certificate, why }) => `certificate ${certificate} is not put into the file: ${why}`),
    ...(closed === undefined ? [] : [closed]),
    ...(trouble === null ? [] : [trouble]),
  ];
}

/** Certificates that Kong has from a source and that are proven as far as possible: the file must hold no others. */
function inStep({ plan, certificates }: LiveView): StoredCertificate[] {
  const ids = new Set([...(plan?.inSync.values() ?? [])].flat());
  return [...ids].flatMap((id) => certificates.get(id) ?? []);
}
