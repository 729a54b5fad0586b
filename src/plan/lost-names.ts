import type { StoredCertificate } from '../model';
import type { Decision } from './decide';
import { covers } from './names';
import type { World } from './world';

/**
 * An ingress controller without a database that is restarted while its configuration is broken pushes what it reads in
 * Kong: certificates with new ids and without any SNI (seen of 3.5.13), so that clients get Kong's own certificate. Each
 * gets back the names that Kong had from its Secret. With a database a name of ours could block the controller.
 */
export function giveBackLostNames(world: World, mains: ReadonlyMap<string, Decision>): void {
  const { certificates, input, plan } = world;
  if (input.homes === undefined || input.controller?.keepsOthers !== false) return;
  for (const certificate of certificates.values()) {
    const bundle = isStripped(certificate) ? world.secretOf(certificate) : undefined;
    if (bundle?.secret === undefined || bundle.secret.uid === certificate.id) continue;
    if (world.unfit(bundle) !== null) continue;
    const had = input.homes.namesAt(new Set([bundle.id])).get(bundle.id) ?? [];
    const addSnis = had.filter((name) => !world.holders.has(name) && covers(bundle.leaf, name));
    if (addSnis.length === 0) continue;
    const change = mains.get(certificate.id)?.change;
    if (change != null) change.addSnis = addSnis;
    else {
      plan.changes.push({ kind: 'update', bundle, certificate, half: 'main', isOfController: true, addSnis });
      plan.inSync.delete(bundle.id);
    }
  }
}

const isStripped = ({ owner, snis, clients = [] }: StoredCertificate): boolean =>
  owner === 'ingress_controller' && snis.length === 0 && clients.length === 0;
