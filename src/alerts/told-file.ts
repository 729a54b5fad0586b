import { rm } from 'node:fs/promises';
import { readOwnFile } from '../common/own-file';
import { replaceOwnFile } from '../common/replace-file';
import { toJson } from '../common/safe-text';
import { isText, isTime, listOf, oneOf, orAbsent, orNull, recordOf } from '../common/shape';
import { LIFE_LEVELS } from '../model';
import { ALERT_NAMES } from './alert';
import type { AlertState, Held } from './changes';

const MAX_BYTES = 4 * 1024 * 1024;
/** More are sent once more after a restart. */
const MAX_TOLD = 2_000;

const isLabels = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every(isText);

const isTold = recordOf({
  /** The condition's key, under a name that no filter takes for that of a secret. */
  id: isText,
  toldAt: isTime,
  condition: recordOf({
    kind: oneOf(ALERT_NAMES),
    topic: isText,
    severity: oneOf({ critical: 0, warning: 0 }),
    since: isTime,
    isSinceSeen: orAbsent((value): value is true => value === true),
    labels: isLabels,
    facts: recordOf({
      certificate_id: orAbsent(isText),
      half: orAbsent(isText),
      snis: orAbsent(listOf(isText)),
      source: orAbsent(isText),
      location: orAbsent(isText),
      reason: orAbsent(isText),
      not_after: orAbsent(isText),
      days_left: orAbsent((value): value is number => Number.isSafeInteger(value)),
      level: orAbsent(oneOf(LIFE_LEVELS)),
    }),
    link: orNull(isText),
    summary: isText,
    description: isText,
  }),
});

/** Keeps for the next process which troubles a webhook was told of. It has what the webhook got, and no address. */
export class ToldFile {
  #next: Iterable<Held> | null = null;
  #saving: Promise<void> | null = null;

  constructor(private readonly path: string) {}

  /** Empty if the file is missing or not ours: its troubles are then sent once more if they last. */
  load(): AlertState {
    try {
      const told: unknown = JSON.parse(readOwnFile(this.path, MAX_BYTES)?.text ?? '[]');
      if (!Array.isArray(told)) return new Map();
      return new Map(
        told.filter(isTold).map(({ id, toldAt, condition }) => [
          id,
          // A time to come would put off the reminder for as long.
          { toldAt: Math.min(toldAt, Date.now()), condition: { ...condition, key: id } as Held['condition'] },
        ]),
      );
    } catch {
      return new Map();
    }
  }

  /** Writes it soon, without holding up anything; a failure costs a repetition after the next start. */
  save(told: Iterable<Held>): void {
    this.#next = told;
    this.#saving ??= this.drain().finally(() => {
      this.#saving = null;
    });
  }

  /** Resolves when what was to be saved is saved. */
  async settle(): Promise<void> {
    await this.#saving;
  }

  remove(): void {
    this.#next = null;
    void this.settle().then(() => rm(this.path, { force: true }).catch(() => undefined));
  }

  private async drain(): Promise<void> {
    while (this.#next !== null) {
      const told = [...this.#next]
        .slice(0, MAX_TOLD)
        .map(({ toldAt, condition: { key: id, ...condition } }) => ({ id, toldAt, condition }));
      this.#next = null;
      await replaceOwnFile(this.path, `${toJson(told)}\n`).catch(() => undefined);
    }
  }
}
