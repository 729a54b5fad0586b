import type { SecretRef } from '../model';

const DAY_MS = 86_400_000;

interface Account {
  /** Characters that may still be written. */
  left: number;
  /** When that was reckoned; milliseconds since the epoch. */
  at: number;
  isTold: boolean;
}

/** The share of the history that each namespace may fill in a day: one that renews all the time hides no other. */
export class Shares {
  readonly #accounts = new Map<string, Account>();

  /** @param share characters a day */
  constructor(private readonly share: number) {}

  /**
   * Takes room for a line.
   * @param now milliseconds since the epoch
   * @returns `full` where there is none, and the first time in a row `filled`
   */
  take({ cluster = '', namespace }: SecretRef, length: number, now: number): 'free' | 'filled' | 'full' {
    const owner = `${cluster}/${namespace}`;
    const account = this.#accounts.get(owner) ?? { left: this.share, at: now, isTold: false };
    const back = (Math.max(0, now - account.at) / DAY_MS) * this.share;
    account.left = Math.min(this.share, account.left + back);
    account.at = now;
    this.#accounts.set(owner, account);
    if (account.left > this.share / 2) account.isTold = false;
    if (account.left >= length) {
      account.left -= length;
      return 'free';
    }
    if (account.isTold) return 'full';
    account.isTold = true;
    return 'filled';
  }
}
