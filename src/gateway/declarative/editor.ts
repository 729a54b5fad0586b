import { setTimeout as sleep } from 'node:timers/promises';
import { Fleeting } from '../../common/fleeting';
import { AdminError, type AdminClient } from '../admin/client';
import { DeclarativeDocument } from './document';
import { encode, type Encoded } from './encode';
import { exportConfiguration, postConfiguration, type Lost } from './post';
import { explain, type Refused } from './refusal';
import type { ConfigurationState } from './state';

/** How often a lost race with another writer starts over. */
const ATTEMPTS = 5;

/** About 2,000 certificates; a larger configuration is read again each time. */
const MIB = 1024 * 1024;
const MAX_KEPT_CHARS = 8 * MIB;

const POSTED_MS = 20_000;

/** How long somebody else's post may be waited for: a small one takes 40 ms, one of 1,000 certificates 15 s. */
const PATIENCE_MS = 500;
const PATIENCE_MS_PER_MIB = 15_000;
const MAX_PATIENCE_MS = 15_000;

/**
 * Makes edits to a document; called anew for each attempt, with what Kong has by then.
 * @param hash of the configuration that the document is
 * @param wasSent an earlier attempt was posted; it may be in, or somebody else may have posted over it
 * @returns whether there is anything to edit
 */
export type Edit = (document: DeclarativeDocument, hash: string, wasSent: boolean) => Promise<boolean>;

export interface EditorOptions {
  /** How often Kong's configuration was committed; null: nobody can tell. */
  commits?: (() => number | null) | undefined;
  /** An update of somebody else's was overwritten and could not be saved, or not all of it. */
  onLost?: ((detail: string) => void) | undefined;
}

export type Edited =
  /** There was nothing to edit. */
  | { kind: 'unchanged' }
  /**
   * It is in. Kong's configuration had the hash `now` right after; the document that was edited last was of `base`.
   * `isWhole`: what Kong has now is that document.
   */
  | { kind: 'posted'; base: string; now: string; isWhole: boolean }
  | { kind: 'refused'; why: Refused };

/** Reads, edits and posts a Kong's configuration, from the start again when somebody else posted meanwhile. */
export class ConfigurationEditor {
  /**
   * What was posted last, while that is what Kong has: an export costs Kong seconds. Renewals come in batches; there are
   * private keys in it, so it is not kept for long.
   */
  #posted: { hash: string; parts: readonly string[] } | null = null;
  readonly #fleeting = new Fleeting(() => (this.#posted = null), POSTED_MS);

  constructor(
    private readonly client: AdminClient,
    private readonly state: ConfigurationState,
    private readonly options: EditorOptions = {},
  ) {}

  /** @throws AdminError, DocumentError */
  async edit(edit: Edit): Promise<Edited> {
    let sent = null as Sent | null;
    let failure: AdminError | null = null;
    // What was overwritten has to be put back, also where that takes more.
    const isEnough = (attempt: number) => attempt > (sent?.lost == null ? ATTEMPTS : 4 * ATTEMPTS);
    for (let attempt = 1; !isEnough(attempt); attempt++) {
      const hash = await this.state.hash();
      const isMine: boolean = sent?.config.hash === hash;
      if (isMine && sent?.lost === null) return this.done(sent);
      const lost: readonly string[] | null = isMine ? (sent?.lost ?? null) : null;
      const parts: readonly string[] = lost ?? (await this.configuration(hash));
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
      // Somebody else's update is put back with ours, or it is not known yet whether ours is in.
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

  private async configuration(hash: string): Promise<readonly string[]> {
    return this.#posted?.hash === hash ? this.#posted.parts : exportConfiguration(this.client);
  }

  /** @param before the count of commits before the post */
  private async sayLost(found: Lost | null, before: number | null, ours: string): Promise<void> {
    const { commits, onLost } = this.options;
    if (found?.isWhole === false) onLost?.('it was put back as far as it could be read');
    if (found !== null || before === null || (commits?.() ?? 0) <= before + 1) return;
    // One that came after ours is not lost.
    if ((await this.state.hash().catch(() => '')) === ours)
      onLost?.('Kong could not be asked for it in time');
  }

  /** It is in, and has to be proven, though Kong may not be able to say so now. */
  private async done({ config: { hash, parts, size }, base }: Sent): Promise<Edited> {
    const now = await this.state.hash().catch(() => '');
    const isWhole = hash === now;
    this.#posted = isWhole && size <= MAX_KEPT_CHARS ? { hash, parts } : null;
    this.#fleeting.touch();
    return { kind: 'posted', base, now, isWhole };
  }
}

/** The configuration that was posted, or may have been. */
interface Sent {
  config: Encoded;
  /** Hash of the configuration that it was made from. */
  base: string;
  /** What somebody else posted meanwhile and this has overwritten. */
  lost: readonly string[] | null;
}
