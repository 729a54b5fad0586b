import type { CertificateTexts, RestoreResult, Written } from '../../model';
import { changeId } from '../../model';
import { halfOf, NO_ALT, type CertificateEntity } from '../admin/entities';
import { isSamePair } from '../decision';
import { decidedAnew, type CertificateEntities } from './entities';
import { pairFields } from './write';

/** Undoes one write, as far as no other writer has written there since. Never throws. */
export async function restoreOne(entities: CertificateEntities, write: Written): Promise<RestoreResult> {
  try {
    const id = changeId(write.change);
    const isRestored = await decidedAnew(async (isAgain) =>
      undo(entities, write, await (isAgain ? entities.read(id) : entities.readFirst(id))),
    );
    return { kind: isRestored ? 'restored' : 'overtaken', write };
  } catch (error) {
    return { kind: 'failed', write, error: error as Error };
  }
}

/** @returns whether the former state is restored */
async function undo(
  entities: CertificateEntities,
  write: Written,
  entity: CertificateEntity | null,
): Promise<boolean> {
  const { change, before } = write;
  const id = changeId(change);
  if (entity === null) return before === null;
  const half = change.kind === 'create' ? 'main' : change.half;
  const now = halfOf(entity, half);
  const isOurs = isSamePair(now, write.current);
  if (before === null) {
    if (!isOurs) return false;
    await namesBack(entities, write, []);
    await removeUnlessNamed(entities, entity, write);
    return true;
  }
  const previous = before[half];
  if (!isOurs && !isSamePair(now, previous)) return false;
  await namesBack(entities, write, before.snis);
  if (isOurs) {
    const fields = previous === null ? NO_ALT : pairFields(textsNow(entity), half, previous);
    await entities.patch(id, fields, previous ?? undefined);
  } else {
    // An earlier try or pass restored it; Kong may have lost its database's answer and kept its caches.
    await entities.emptyCachesIfAllowed(id);
  }
  await splitBack(entities, write);
  return true;
}

/** Returns names that the write added or moved, each to its former certificate; names that others added stay. */
async function namesBack(
  entities: CertificateEntities,
  { change, snis }: Written,
  before: readonly string[],
): Promise<void> {
  const id = changeId(change);
  const moved = new Map(change.moveSnis?.map(({ name, from }) => [name, from]));
  for (const name of snis) {
    const from = moved.get(name);
    if (from !== undefined) await entities.moveSni(name, id, from);
    else if (change.kind === 'update' && !before.includes(name)) await entities.removeSni(name, id);
  }
  if (change.kind === 'create') return;
  for (const name of change.removeSnis ?? []) {
    if (before.includes(name)) await entities.addSni(name, id);
  }
}

/** A certificate that gained a name of another writer loses only ours. */
async function removeUnlessNamed(
  entities: CertificateEntities,
  entity: CertificateEntity,
  write: Written,
): Promise<void> {
  const ours = new Set(write.snis);
  if (entity.snis?.every((name) => ours.has(name)) !== false) await entities.remove(entity);
  else for (const name of ours) await entities.removeSni(name, entity.id);
}

async function splitBack(entities: CertificateEntities, { change }: Written): Promise<void> {
  if (change.kind === 'create' || change.split === undefined) return;
  const { id, snis } = change.split;
  for (const name of snis) await entities.moveSni(name, id, changeId(change));
  const rest = await entities.read(id);
  if (rest !== null && (rest.snis ?? []).length === 0) await entities.remove(rest);
}

const textsNow = (entity: CertificateEntity): CertificateTexts => ({
  main: { cert: entity.cert, key: entity.key },
  alt: halfOf(entity, 'alt'),
  snis: [],
  tags: [],
});
