import { expect, it, test } from 'vitest';
import { bundle, checkPlan, leafOf, NOW, plan, stored, type PlanCase } from '../../support/plans';

const DAY = 86_400_000;
const newer = { age: 5 };
const forServersAlone = (age: number) => ({ age, leaf: { ...leafOf({ age }), isForClients: false } });
/** Shown to upstreams by a service, and served to clients, too. */
const both = { clients: ['service'] };
/** Shown to upstreams, perhaps. */
const hidden = { snis: [] };

test.for<PlanCase>([
  {
    name: 'of another issuer does not replace one without SNI',
    bundles: [bundle('new', { ...newer, issuer: 'Other' })],
    kong: [stored('K', hidden)],
    unused: ['new'],
  },
  {
    name: 'of an issuer of the same name and another key does not replace one without SNI, and that is said',
    bundles: [bundle('new', newer)],
    kong: [stored('K', hidden)],
    options: { more: { evidence: { isTrusted: () => true, isSameIssuer: () => false } } },
    refused: { new: 'issuer_changed' },
  },
  {
    name: 'of another issuer does not replace one that a service shows, not even when that has ended',
    bundles: [bundle('new', { ...newer, issuer: 'Other' })],
    kong: [stored('K', { ...both, age: 100 })],
    refused: { new: 'issuer_changed' },
  },
  {
    name: 'of the same issuer replaces one that a service shows',
    bundles: [bundle('new', newer)],
    kong: [stored('K', both)],
    changes: ['K main <- new'],
  },
  {
    name: 'for servers alone comes after one for clients, though it is newer',
    bundles: [bundle('for clients', { age: 8 }), bundle('for servers', forServersAlone(3))],
    kong: [stored('K', { ...both, age: 100 })],
    changes: ['K main <- for clients'],
    unused: ['for servers'],
  },
  {
    name: 'for servers alone beside the home of a client certificate without SNI is another thing',
    bundles: [bundle('client', { age: 10 }), bundle('server', forServersAlone(3))],
    kong: [stored('K', hidden)],
    inSync: { client: ['K'] },
    unused: ['server'],
  },
  {
    name: 'that goes on where the home left off, without clientAuth, is refused for that',
    bundles: [bundle('old', { age: 10 }), bundle('renewed', forServersAlone(3))],
    kong: [stored('K', both)],
    inSync: { old: ['K'] },
    refused: { renewed: 'loses_client_auth' },
  },
])('a bundle $name', checkPlan);

it("the ingress controller's own client certificate follows its Secret, whatever its issuer", () => {
  const secret = { uid: 'K', namespace: 'shop', name: 'client', createdAt: NOW - 100 * DAY };
  const made = plan(
    [bundle('secret', { ...newer, issuer: 'Other', secret })],
    [stored('K', { ...both, owner: 'ingress_controller' })],
  );
  expect(made.changes).toMatchObject([{ certificate: { id: 'K' }, isOfController: true }]);
  expect([...made.refused.keys()]).toEqual([]);
});
