import { readPem } from '../../certificates';
import {
  changeId,
  type CertificateTexts,
  type Change,
  type FreshPair,
  type PemPair,
  type SniMove,
  type StoredCertificate,
  type StoredHalf,
  type WriteResult,
  type Written,
} from '../../model';
import { changedError, goneError } from '../admin/answers';
import { isVaultReference } from '../admin/entities';
import { decideCreation, decideUpdate, isSamePair, type Create, type Update } from '../decision';
import type { DocumentCertificates } from './certificates';

/** A change whose texts went through the gate. */
export interface Ready {
  change: Change;
  fresh: FreshPair;
}

/** Looks up certificates of a document without reading their texts. */
type Known = (id: string) => StoredCertificate | undefined;

/**
 * Makes one change to the document, as far as the document still is what the plan was based on.
 * @param before the texts of its certificate in the document
 */
export function applyChange(
  certificates: DocumentCertificates,
  { change, fresh }: Ready,
  before: CertificateTexts | null,
  known: Known,
): WriteResult {
  return change.kind === 'create'
    ? applyCreation(certificates, change, fresh, before, known)
    : applyUpdate(certificates, change, fresh, before, known);
}

function applyUpdate(
  certificates: DocumentCertificates,
  change: Update,
  fresh: PemPair,
  before: CertificateTexts | null,
  known: Known,
): WriteResult {
  const { half, addSnis, moveSnis = [], removeSnis = [], split } = change;
  const { id } = change.certificate;
  if (before === null) return { kind: 'conflict', change, error: goneError(id) };
  const stored = known(id);
  const now = stored === undefined ? readHalf(before[half]) : stored[half];
  const decision = decideUpdate(change, now);
  if (decision.kind !== 'write') return decision;
  const snis = certificates.snisOf(id);
  const kept = split?.snis.filter((name) => snis.includes(name)) ?? [];
  if (split !== undefined && kept.length > 0) {
    if (!certificates.has(split.id)) certificates.copy(id, split.id);
    for (const name of kept) certificates.setSni(name, split.id);
  }
  if (!decision.isPairThere) certificates.setPair(id, half, fresh);
  const isWanting = gainNames(certificates, id, addSnis, moveSnis, known);
  for (const name of removeSnis) if (certificates.ownerOf(name) === id) certificates.removeSni(name);
  // Other certificates have all of the names by now.
  if (decision.isPairThere && isWanting && certificates.snisOf(id).join() === snis.join())
    return { kind: 'conflict', change, error: changedError(id) };
  return written(certificates, change, fresh, before);
}

function applyCreation(
  certificates: DocumentCertificates,
  change: Create,
  fresh: PemPair,
  there: CertificateTexts | null,
  known: Known,
): WriteResult {
  const { id, moveSnis = [] } = change;
  if (there !== null) {
    const chain = readPem(there.main.cert, '')?.chain ?? '';
    return decideCreation(change, { chain, snis: there.snis });
  }
  const moved = new Set(moveSnis.map(({ name }) => name));
  const added = change.snis.filter((name) => !moved.has(name));
  const taken = added.find((name) => certificates.ownerOf(name) !== undefined);
  if (taken !== undefined)
    return { kind: 'conflict', change, error: changedError(certificates.ownerOf(taken) ?? '') };
  certificates.create(id, fresh);
  gainNames(certificates, id, added, moveSnis, known);
  return written(certificates, change, fresh, null);
}

/** @returns whether a name is missing because another certificate has it by now, or had its own renewed since the plan */
function gainNames(
  certificates: DocumentCertificates,
  id: string,
  added: readonly string[],
  moved: readonly SniMove[],
  known: Known,
): boolean {
  const chainOf = (one: string) =>
    known(one)?.main.chain ?? readPem(certificates.textsOf(one)?.main.cert ?? '', '')?.chain;
  const isLeaving = ({ from, ended }: SniMove) => ended === undefined || chainOf(from) === ended;
  let isWanting = false;
  for (const move of [...added.map((name) => ({ name, from: '' })), ...moved]) {
    const { name, from } = move;
    const owner = certificates.ownerOf(name);
    if (owner === id) continue;
    if (owner === undefined || (owner === from && isLeaving(move))) certificates.setSni(name, id);
    else isWanting = true;
  }
  return isWanting;
}

const written = (
  certificates: DocumentCertificates,
  change: Change,
  current: PemPair,
  before: CertificateTexts | null,
): Written => ({ kind: 'written', change, current, before, snis: certificates.snisOf(changeId(change)) });

/**
 * Undoes one write.
 * @param texts the texts of its certificate in the document
 * @returns whether the former state is restored; false: another writer has written there since
 */
export function restorePair(
  certificates: DocumentCertificates,
  write: Written,
  texts: CertificateTexts | null,
): boolean {
  const { change, before, current, snis } = write;
  const id = changeId(change);
  const half = change.kind === 'create' ? 'main' : change.half;
  if (texts === null) return before === null;
  const now = texts[half];
  const isOurs = isSamePair(now, current);
  const previous = before?.[half] ?? null;
  if (!isOurs && (before === null || !isSamePair(now, previous))) return false;
  const moved = new Map(change.moveSnis?.map(({ name, from }) => [name, from]));
  for (const name of snis) {
    if (certificates.ownerOf(name) !== id) continue;
    const from = moved.get(name);
    if (from !== undefined && certificates.has(from)) certificates.setSni(name, from);
    else if (before?.snis.includes(name) !== true) certificates.removeSni(name);
  }
  if (before === null) {
    // A certificate with a name of another writer stays.
    if (certificates.snisOf(id).length === 0) certificates.remove(id);
    return true;
  }
  if (isOurs) certificates.setPair(id, half, previous);
  if (change.kind === 'create') return true;
  for (const name of change.removeSnis ?? []) {
    if (before.snis.includes(name) && certificates.ownerOf(name) === undefined) certificates.setSni(name, id);
  }
  const { split } = change;
  if (split === undefined) return true;
  for (const name of split.snis) if (certificates.ownerOf(name) === split.id) certificates.setSni(name, id);
  if (certificates.snisOf(split.id).length === 0) certificates.remove(split.id);
  return true;
}

function readHalf(pair: PemPair | null): Pick<StoredHalf, 'content' | 'chain' | 'vaultReference'> | null {
  if (pair === null) return null;
  const pem = readPem(pair.cert, pair.key);
  return { content: pem?.content ?? '', chain: pem?.chain ?? '', vaultReference: isVaultReference(pair) };
}
