import type { Change, SniMove, StoredCertificate } from '../model';

/** A name of a certificate of ours, or of another writer's that has ended. */
export const moveFrom = ({ id, owner, main }: StoredCertificate, name: string): SniMove =>
  owner === 'us' ? { name, from: id } : { name, from: id, ended: main.chain };

/** Puts the change that takes a name before the renewal that loses it. */
export function moveFirst(changes: Change[]): void {
  if (!changes.some(({ moveSnis }) => moveSnis !== undefined)) return;
  const moving = changes.filter(({ moveSnis }) => moveSnis !== undefined);
  const ids = new Set(moving);
  changes.splice(0, changes.length, ...moving, ...changes.filter((change) => !ids.has(change)));
}
