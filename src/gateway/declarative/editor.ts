import { setTimeout as sleep } from 'node:timers/promises';
import { AdminError, type AdminClient } from '../admin/client';
import { ConfigurationAtHand, type Configuration } from './at-hand';
import { DeclarativeDocument } from './document';
import { encode, type Encoded } from './encode';
import { exportConfiguration, postConfiguration, type Lost } from './post';
import { explain, type Refused } from './refusal';
import type { ConfigurationState } from './state';

/** Most attempts after lost races with other writers. */
const ATTEMPTS = 5;

const MIB = 1024 * 1024;

/** How long to wait for the post of another writer: a small one takes 40 ms, one of 1,000 certificates 15 s. */
const PATIENCE_MS = 500;
const PATIENCE_MS_PER_MIB = 15_000;
const MAX_PATIENCE_MS = 15_000;

/**
 * Makes edits to a document; called again for each attempt, with Kong's configuration at that time.
 * @param hash of the configuration that the document holds
 * @param wasSent an earlier attempt was posted; it may be in force, or overwritten
 * @returns whether there is anything to edit
 */
type Edit = (document: DeclarativeDocument, hash: string, wasSent: boolean) => Promise<boolean>;

export interface EditorOptions {
  /** How often Kong's configuration was committed; null: unknown. */
  commits?: (() => number | null) | undefined;
  /** Called when an update of another writer was overwritten and could not be restored completely. */
  onLost?: ((detail: string) => void) | undefined;
}

export type Edited =
  /** There was nothing to edit. */
  | { kind: 'unchanged' }
  /**
   * Posted. Kong's configuration had the hash `now` right after; the document that was edited last was of `base`.
   * `isWhole`: Kong now has exactly that document.
   */
  | { kind: 'posted'; base: string; now: string; isWhole: boolean }
  | { kind: 'refused'; why: Refused };

/** Reads, edits and posts Kong's configuration; starts over where another writer posted meanwhile. */
export class ConfigurationEditor {
  readonly #atHand = new ConfigurationAtHand(
    () => this.readWhole(),
    () => this.#edits > 0,
  );
  /** Edits under way. */
  #edits = 0;
  /** What was read while changes go through the gate; null within: Kong did not answer. */
  #ahead: Promise<Configuration | null> | null = null;

  constructor(
    private readonly client: AdminClient,
    private readonly state: ConfigurationState,
    private readonly options: EditorOptions = {},
  ) {}

  /** Begins to read the configuration for an edit that follows, or is let go of with `forget`. */
  readAhead(): void {
    this.#ahead ??= this.read().catch(() => null);
  }

  forget(): void {
    this.#ahead = null;
  }

  /** To be called when Kong has a configuration that may be somebody else's. */
  noteChange(hash: string): void {
    this.#atHand.noteChange(hash);
  }

  /** @throws Failure */
  async edit(edit: Edit): Promise<Edited> {
    this.#edits += 1;
    try {
      return await this.editAndPost(edit);
    } finally {
      this.#edits -= 1;
    }
  }

  private async editAndPost(edit: Edit): Promise<Edited> {
    let sent = null as Sent | null;
    let failure: AdminError | null = null;
    // An overwritten update must be restored, even if that takes more attempts.
    const isEnough = (attempt: number) => attempt > (sent?.lost == null ? ATTEMPTS : 4 * ATTEMPTS);
    for (let attempt = 1; !isEnough(attempt); attempt++) {
      const ahead = await this.#ahead;
      this.#ahead = null;
      const hash = ahead?.hash ?? (await this.state.hash());
      const isMine: boolean = sent?.config.hash === hash;
      if (isMine && sent?.lost === null) return this.done(sent);
      const lost: readonly string[] | null = isMine ? (sent?.lost ?? null) : null;
      const parts: readonly string[] = lost ?? ahead?.parts ?? (await this.configuration(hash));
      const document = await DeclarativeDocument.read(parts);
      const isEdited = await edit(document, hash, sent !== null);
      if (!isEdited && lost === null)
        return sent === null
          ? { kind: 'unchanged' }
          : { kind: 'posted', base: hash, now: hash, isWhole: false };
      const config = await encode(document);
      const commits = this.options.commits?.() ?? null;
      const patienceMs = Math.min(PATIENCE_MS + (config.size / MIB) * PATIENCE_MS_PER_MIB, MAX_PATIENCE_MS);
      if (!(await this.state.isStill(hash, patienceMs))) {
        await sleep(50 * attempt * (1 + Math.random()));
        continue;
      }
      const posted = await postConfiguration(this.client, { config, before: hash });
      if (posted.kind === 'refused') return { kind: 'refused', why: explain(posted.body) };
      const isDone = posted.kind === 'done';
      // An overwritten update is posted again together with ours; or it is unknown whether ours is in force.
      const found = isDone ? posted.lost : null;
      sent = { config, base: lost === null ? hash : '', lost: found?.parts ?? null };
      if (isDone) await this.sayLost(found, commits, config.hash);
      if (isDone && found === null) return this.done(sent);
      failure = isDone ? null : posted.error;
      if (posted.kind === 'busy') await sleep(posted.waitMs);
    }
    if (failure !== null) throw failure;
    throw new AdminError(
      'ADMIN_STATUS',
      `the configuration was changed by somebody else ${ATTEMPTS} times while it was edited; trying again at the next pass`,
      null,
      { kind: 'conflict' },
    );
  }

  /** The hash comes first: a configuration that is posted meanwhile does not have it. */
  private async read(): Promise<Configuration> {
    const hash = await this.state.hash();
    return { hash, parts: await this.configuration(hash) };
  }

  private async configuration(hash: string): Promise<readonly string[]> {
    return this.#atHand.of(hash) ?? exportConfiguration(this.client);
  }

  /** Null: the configuration was changed meanwhile. */
  private async readWhole(): Promise<Configuration | null> {
    const found = await this.read();
    return (await this.state.hash()) === found.hash ? found : null;
  }

  /** @param before the number of commits before the post */
  private async sayLost(found: Lost | null, before: number | null, ours: string): Promise<void> {
    const { commits, onLost } = this.options;
    if (found?.isWhole === false) onLost?.('it was restored as far as it could be read');
    if (found !== null || before === null || (commits?.() ?? 0) <= before + 1) return;
    // An update after ours is not lost.
    if ((await this.state.hash().catch(() => '')) === ours)
      onLost?.('Kong could not be asked for it in time');
  }

  /** The post was made and has to be proven, though Kong may not be able to answer now. */
  private async done({ config: { hash, parts }, base }: Sent): Promise<Edited> {
    const now = await this.state.hash().catch(() => '');
    const isWhole = hash === now;
    this.#atHand.keep(isWhole ? { hash, parts } : null);
    return { kind: 'posted', base, now, isWhole };
  }
}

/** The configuration that was posted, or may have been. */
interface Sent {
  config: Encoded;
  /** Hash of the configuration on which it was based. */
  base: string;
  /** The update of another writer that this one has overwritten; null: none. */
  lost: readonly string[] | null;
}
