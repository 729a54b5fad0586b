import { setTimeout as sleep } from 'node:timers/promises';
import type { KnownPair, StoredCertificate } from '../../model';
import { answerError, bodyIfThere, bodyOf, isGone } from '../admin/answers';
import type { CertificateList } from '../admin/certificate-list';
import { AdminError, type AdminClient, type AdminResponse } from '../admin/client';
import type { CertificateEntity } from '../admin/entities';
import type { FirstRead, ReadsAhead } from './reads-ahead';
import type { PageReads } from './page-reads';

interface SniEntity {
  name: string;
  certificate: { id: string };
}

/** Kong was busy, or did not answer a write: the write may have been made. */
class UnsureWrite extends Error {
  constructor(override readonly cause: AdminError) {
    super(cause.message);
  }
}

const ATTEMPTS = 4;

/**
 * Decides and writes; where it is unknown whether a write was made, reads and decides again.
 * @param work `isAgain`: an earlier write may have been made
 * @param withinMs no further attempt begins later than that
 */
export async function decidedAnew<T>(
  work: (isAgain: boolean) => Promise<T>,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<T> {
  const begin = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt > 1);
    } catch (error) {
      if (!(error instanceof UnsureWrite)) throw error;
      const pauseMs = FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
      const waitMs = Math.max(pauseMs, error.cause.waitMs ?? 0);
      if (attempt === ATTEMPTS || performance.now() - begin + waitMs > withinMs) throw error.cause;
      await sleep(waitMs);
    }
  }
}

const FIRST_WAIT_MS = 200;
/** Names of one certificate whose caches are emptied at once. */
const MOST_NAMES = 10;

/** Requests for single certificates and SNIs. Each method throws AdminError, and updates the list from every answer. */
export class CertificateEntities {
  constructor(
    private readonly client: AdminClient,
    private readonly list: CertificateList,
    /** Null: each certificate is read by itself. */
    private readonly pages: PageReads | null = null,
    private readonly readsAhead: ReadsAhead | null = null,
  ) {}

  read(id: string): Promise<CertificateEntity | null> {
    return this.list.readEntity(id);
  }

  /** Reads a certificate before anything is written about it. */
  async readFirst(id: string): Promise<CertificateEntity | null> {
    return (await this.pages?.take(id)) ?? this.read(id);
  }

  /** The same; takes over a read that was sent ahead. */
  startFirstRead(id: string): FirstRead {
    return this.readsAhead?.take(id) ?? { entity: this.readFirst(id), at: Number.POSITIVE_INFINITY };
  }

  /** Takes over an entity from an answer. */
  take(entity: CertificateEntity): StoredCertificate {
    return this.list.take(entity);
  }

  /**
   * Creates a certificate.
   * @returns null where that id exists
   */
  async create(id: string, fields: object): Promise<CertificateEntity | null> {
    // POST, since PUT would replace a certificate that another gateway has made meanwhile.
    const answer = await this.send('POST', '/certificates', { id, ...fields });
    if (isThere(answer)) return null;
    const entity = bodyOf(this.client, 'POST /certificates', answer, [201]) as CertificateEntity;
    this.take(entity);
    return entity;
  }

  /** @param written the pair that this writes: a half of these very texts is not parsed */
  async patch(id: string, fields: object, written?: KnownPair): Promise<CertificateEntity> {
    const path = `/certificates/${id}`;
    const answer = await this.send('PATCH', path, fields);
    if (isGone(answer)) this.list.delete(id);
    const entity = bodyOf(this.client, `PATCH ${path}`, answer) as CertificateEntity;
    this.list.take(entity, undefined, written);
    return entity;
  }

  /**
   * Has all workers and nodes of Kong empty their caches of a certificate and of names of it. An empty PATCH changes
   * nothing but `updated_at`, but Kong writes the whole row as it read it: what is written in between is lost.
   */
  async emptyCaches(id: string, names: readonly string[] = []): Promise<void> {
    await this.patch(id, {});
    for (const name of names.slice(0, MOST_NAMES)) await this.emptyCachesOf(name);
  }

  /** The same after a write that was made: it counts as made even where Kong refuses this. */
  async emptyCachesIfAllowed(id: string, names: readonly string[] = []): Promise<void> {
    try {
      await this.emptyCaches(id, names);
    } catch (error) {
      if (error instanceof UnsureWrite) throw error;
    }
  }

  /**
   * Removes a certificate as it was read; a missing one counts as removed.
   * @returns false where something in Kong refers to it, or somebody else writes it meanwhile
   */
  async remove({ id, cert, key, cert_alt, key_alt, snis, tags }: CertificateEntity): Promise<boolean> {
    const isRemoved = await this.delete(`/certificates/${id}`, async () => {
      const names = snis ?? [];
      const left = await this.read(id);
      // Without names, no cache leads clients to it.
      if (left === null && names.length === 0) return 'gone';
      const isOurs =
        left === null
          ? (await this.create(id, { cert, key, cert_alt, key_alt, tags })) !== null
          : left.cert === cert && left.snis?.every((name) => names.includes(name)) !== false;
      if (!isOurs) return 'theirs';
      // Kong removes the names first, each by itself. Somebody else may have taken one meanwhile.
      for (const name of names) if (left?.snis?.includes(name) !== true) await this.addSni(name, id);
      return 'there';
    });
    if (isRemoved) this.list.delete(id);
    return isRemoved;
  }

  /** Id of the certificate that has an SNI; null: none. */
  async ownerOf(name: string): Promise<string | null> {
    const path = pathOf(name);
    const answer = await this.client.get(path);
    const sni = bodyIfThere(this.client, `GET ${path}`, answer) as SniEntity | null;
    return sni?.certificate.id ?? null;
  }

  /**
   * Adds an SNI that no certificate has.
   * @returns whether the certificate has it now
   */
  async addSni(name: string, id: string): Promise<boolean> {
    const answer = await this.client.request('POST', '/snis', { name, certificate: { id } });
    if (answer.status === 409) return this.isThereAlready(name, await this.ownerOf(name), id);
    bodyOf(this.client, 'POST /snis', answer, [201]);
    this.noteSni(id, name, true);
    return true;
  }

  /**
   * Moves an SNI from one certificate to another; at any moment one of the two serves it.
   * @param tags default: unchanged
   * @returns whether the certificate has it now
   */
  async moveSni(name: string, from: string, to: string, tags?: readonly string[]): Promise<boolean> {
    const owner = await this.ownerOf(name);
    if (owner === null) return this.addSni(name, to);
    if (owner !== from) return this.isThereAlready(name, owner, to);
    const path = pathOf(name);
    const fields = { certificate: { id: to }, ...(tags === undefined ? {} : { tags }) };
    bodyOf(this.client, `PATCH ${path}`, await this.client.request('PATCH', path, fields));
    this.noteSni(from, name, false);
    this.noteSni(to, name, true);
    return true;
  }

  /** Removes an SNI from a certificate, if that still has it. */
  async removeSni(name: string, id: string): Promise<void> {
    if ((await this.ownerOf(name)) !== id) return;
    await this.delete(pathOf(name), async () => {
      const owner = await this.ownerOf(name);
      const isOurs = owner === null ? await this.addSni(name, id) : owner === id;
      return isOurs ? 'there' : 'gone';
    });
    this.noteSni(id, name, false);
  }

  /**
   * Deletes something that is there. Where the outcome is unknown, it is made again and deleted once more: Kong may have
   * lost its database's answer and kept its caches, and a second DELETE alone would find nothing and empty none.
   * @param again makes it again where it is gone
   * @returns false where something in Kong refers to it, or it is somebody else's now
   */
  private delete(path: string, again: () => Promise<'there' | 'gone' | 'theirs'>): Promise<boolean> {
    return decidedAnew(async (isAgain) => {
      const found = isAgain ? await again() : 'there';
      if (found !== 'there') return found === 'gone';
      const answer = await this.send('DELETE', path);
      if (answer.status === 400) return false;
      if (answer.status !== 204 && !isGone(answer)) throw answerError(this.client, `DELETE ${path}`, answer);
      return true;
    });
  }

  /** A name may be there by an earlier try of ours whose answer got lost: Kong has kept its caches then. */
  private async isThereAlready(name: string, owner: string | null, id: string): Promise<boolean> {
    if (owner !== id) return false;
    await this.emptyCachesOf(name).catch(() => undefined);
    return true;
  }

  /** A name has a cache of its own, which may go on saying that there is no such name. */
  private async emptyCachesOf(name: string): Promise<void> {
    const path = pathOf(name);
    bodyIfThere(this.client, `PATCH ${path}`, await this.client.request('PATCH', path, {}));
  }

  /**
   * Sends a write once: before a second try another writer may have written.
   * @throws UnsureWrite where it is unknown whether it was made
   */
  private async send(method: string, path: string, fields?: object): Promise<AdminResponse> {
    try {
      return await this.client.request(method, path, fields, undefined, 1);
    } catch (error) {
      if (error instanceof AdminError && error.waitMs !== undefined) throw new UnsureWrite(error);
      throw error;
    }
  }

  private noteSni(id: string, name: string, has: boolean): void {
    const known = this.list.stored.get(id);
    if (known === undefined) return;
    const others = known.snis.filter((sni) => sni !== name);
    this.list.put({ ...known, snis: has ? [...others, name] : others });
  }
}

/** Whether the id exists: Kong answers with 400 and the code of a primary key violation. */
const isThere = ({ status, body }: AdminResponse) =>
  status === 409 || (status === 400 && (body as { code?: unknown } | null)?.code === PRIMARY_KEY_VIOLATION);

const PRIMARY_KEY_VIOLATION = 3;

const pathOf = (name: string) => `/snis/${encodeURIComponent(name)}`;
