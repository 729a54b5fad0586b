import type { CertificateTexts, FreshPair, Prepare } from '../../model';
import {
  changeHalf,
  changeId,
  isChainOf,
  isRefusal,
  refusal,
  type Change,
  type PemPair,
  type SniMove,
  type Split,
  type StoredCertificate,
  type WriteResult,
} from '../../model';
import { changedError, goneError, resultOfError } from '../admin/answers';
import { AdminError } from '../admin/client';
import {
  controllersTags,
  halfOf,
  MANAGED_TAG,
  OUR_TAG,
  PREVIOUS_TAG,
  toTexts,
  type CertificateEntity,
} from '../admin/entities';
import { decideCreation, decideUpdate, type Create, type Update } from '../decision';
import { decidedAnew, type CertificateEntities } from './entities';
import { FRESH_MS } from './page-reads';

/** Carries out one change. Never throws. */
export async function writeOne(
  entities: CertificateEntities,
  change: Change,
  prepare: Prepare,
): Promise<WriteResult> {
  try {
    // The gate and Kong's answer take about the same time, so they run at once.
    let { entity: reading, at: readAt } = entities.startFirstRead(changeId(change));
    reading.then(
      () => (readAt = Math.min(readAt, performance.now())),
      () => undefined,
    );
    const fresh = await prepare(change);
    if (isRefusal(fresh)) return { kind: 'refused', change, refusal: fresh };
    // The gate may have waited for something, while others wrote.
    if (performance.now() - readAt >= FRESH_MS) reading = entities.read(changeId(change));
    const first = await reading;
    return await decidedAnew(async (isAgain) => {
      if (isAgain) reading = entities.read(changeId(change));
      const entity = await reading;
      // Asked before the write: the write replaces what the list knows.
      const wasMade = isAgain && entity !== null && isMade(change, entities.take(entity));
      const result =
        change.kind === 'create'
          ? await create(entities, change, fresh, entity)
          : await update(entities, change, fresh, entity);
      if (!wasMade) return result;
      // An earlier try was made, and its answer got lost. If that was the database's, Kong has kept its caches.
      if (result.kind === 'already' || result.kind === 'written')
        await entities.emptyCachesIfAllowed(changeId(change), change.kind === 'create' ? change.snis : []);
      const before = first === null ? null : toTexts(first);
      if (result.kind === 'already')
        return { kind: 'written', change, current: fresh, before, snis: entity.snis ?? [] };
      // The second try wrote what was left, and found the pair of the first.
      return result.kind === 'written' ? { ...result, before } : result;
    });
  } catch (error) {
    return named(resultOfError(change, error));
  }
}

/** Whether Kong stores already what the change writes. */
const isMade = (change: Change, stored: StoredCertificate) =>
  isChainOf(
    change.bundle,
    stored[changeHalf(change)]?.chain,
    change.kind === 'update' && change.isOfController,
  );

/** Kong's refusal, with the bundle that it concerns. */
function named(result: WriteResult): WriteResult {
  if (result.kind !== 'refused') return result;
  const { reason, message } = result.refusal;
  const { location } = result.change.bundle;
  return { ...result, refusal: refusal(reason, `Kong refused ${location}: ${message}`) };
}

async function update(
  entities: CertificateEntities,
  change: Update,
  fresh: FreshPair,
  entity: CertificateEntity | null,
): Promise<WriteResult> {
  const { half } = change;
  const { id } = change.certificate;
  if (entity === null) throw goneError(id);
  const stored = entities.take(entity);
  const decision = decideUpdate(change, stored[half]);
  if (decision.kind !== 'write') return decision;
  const { isPairThere } = decision;
  const before = toTexts(entity, stored);
  const { addSnis, moveSnis = [], removeSnis = [], split, handsOver } = change;
  const kept = split === undefined ? [] : await splitOff(entities, id, before, split);
  if (!isPairThere) await entities.patch(id, pairFields(before, half, fresh), fresh);
  const gained = await gainNames(entities, id, { addSnis, moveSnis, handsOver }, isPairThere);
  for (const name of removeSnis) await entities.removeSni(name, id);
  const lost = new Set([...kept, ...removeSnis]);
  const snis = [...before.snis.filter((name) => !lost.has(name)), ...gained];
  return { kind: 'written', change, current: fresh, before, snis };
}

async function create(
  entities: CertificateEntities,
  change: Create,
  fresh: FreshPair,
  entity: CertificateEntity | null,
): Promise<WriteResult> {
  const { bundle, id, moveSnis = [], handsOver } = change;
  if (entity !== null) {
    const { main, snis } = entities.take(entity);
    return decideCreation(change, { chain: main.chain, snis });
  }
  const moved = new Set(moveSnis.map(({ name }) => name));
  const snis = change.snis.filter((name) => !moved.has(name));
  const { secret } = bundle;
  const tags = handsOver === true && secret !== undefined ? controllersTags(secret) : [OUR_TAG];
  const made = await createNew(entities, id, { cert: fresh.cert, key: fresh.key, snis, tags });
  // An earlier try was made, and its answer got lost; or another writer wrote the same content.
  if (made === null) {
    const found = await entities.read(id);
    if (found === null || !isChainOf(bundle, entities.take(found).main.chain)) throw changedError(id);
  }
  const gained = await gainNames(entities, id, { addSnis: [], moveSnis, handsOver }, false);
  return { kind: 'written', change, current: fresh, before: null, snis: [...snis, ...gained] };
}

/**
 * @returns null where that id exists.
 * @throws AdminError, a conflict where a name is taken
 */
async function createNew(
  entities: CertificateEntities,
  id: string,
  fields: object,
): Promise<CertificateEntity | null> {
  try {
    return await entities.create(id, fields);
  } catch (error) {
    const [, name, other] =
      /(\S+) already associated with existing certificate '([\w-]+)'/.exec((error as Error).message) ?? [];
    if (name === undefined || other === undefined) throw error;
    if (other === id) return null;
    const owner = await entities.read(other);
    // The other certificate is in a workspace that cannot be read from here.
    if (owner === null) throw error;
    entities.take(owner);
    throw new AdminError('ADMIN_STATUS', `the SNI ${name} now belongs to certificate ${other}`, 409);
  }
}

/** `cert` and `key` together (Kong refuses one alone); for a twin both halves, all from one read. */
export function pairFields(before: CertificateTexts, half: 'main' | 'alt', pair: PemPair): object {
  const main = half === 'main' ? pair : before.main;
  const alt = half === 'alt' ? pair : before.alt;
  const { cert, key } = main;
  return { cert, key, ...(alt === null ? {} : { cert_alt: alt.cert, key_alt: alt.key }) };
}

/** Names that a certificate gains. */
interface Gain {
  addSnis: readonly string[];
  moveSnis: readonly SniMove[];
  handsOver: true | undefined;
}

/**
 * Adds and moves names. After the certificate was written, a name that cannot be had is left to the next plan.
 * @returns the names that it has now
 */
async function gainNames(
  entities: CertificateEntities,
  id: string,
  { addSnis, moveSnis, handsOver }: Gain,
  isAllThatIsDone: boolean,
): Promise<string[]> {
  const gained: string[] = [];
  const gain = async (name: string, work: Promise<boolean>) => {
    try {
      if (await work) gained.push(name);
    } catch (error) {
      if (isAllThatIsDone) throw error;
    }
  };
  // The controller recognizes its names by their tag, too.
  const tags = handsOver === true ? [MANAGED_TAG] : undefined;
  for (const name of addSnis) await gain(name, entities.addSni(name, id));
  for (const move of moveSnis) await gain(move.name, moveName(entities, move, id, tags));
  if (isAllThatIsDone && gained.length === 0 && addSnis.length + moveSnis.length > 0) throw changedError(id);
  return gained;
}

/** @returns whether the certificate has the name now; somebody else's that was renewed since the plan keeps it */
async function moveName(
  entities: CertificateEntities,
  { name, from, ended }: SniMove,
  id: string,
  tags: readonly string[] | undefined,
): Promise<boolean> {
  const holder = ended === undefined ? null : await entities.read(from);
  if (holder !== null && entities.take(holder).main.chain !== ended) return false;
  return entities.moveSni(name, from, id, tags);
}

/**
 * Creates a certificate of the present texts and moves names to it.
 * @returns the names that moved
 */
async function splitOff(
  entities: CertificateEntities,
  id: string,
  before: CertificateTexts,
  split: Split,
): Promise<string[]> {
  const names = split.snis.filter((name) => before.snis.includes(name));
  if (names.length === 0) return [];
  const made = await entities.create(split.id, {
    ...pairFields(before, 'main', before.main),
    tags: [OUR_TAG, PREVIOUS_TAG],
  });
  if (made === null) {
    const found = await entities.read(split.id);
    const isSame = found !== null && halfOf(found, 'main')?.cert === before.main.cert;
    if (!isSame) throw changedError(split.id);
  }
  for (const name of names) await entities.moveSni(name, id, split.id);
  return names;
}
