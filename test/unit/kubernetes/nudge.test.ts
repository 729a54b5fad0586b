import { expect, it } from 'vitest';
import { KubernetesError, ReferrerNudger, type KubernetesClient } from '../../../src/kubernetes';

const gateway = {
  metadata: { name: 'shop', namespace: 'web', resourceVersion: '1' },
  spec: { listeners: [{ tls: { certificateRefs: [{ name: 'www' }] } }] },
};

/** Nudges what refers to a Secret, where Ingresses and Gateways are listed so. */
function nudge(ingresses: object[] | Error, gateways: object[] | Error) {
  const answer = (items: object[] | Error) =>
    items instanceof Error ? Promise.reject(items) : Promise.resolve({ items });
  const client = {
    get: (path: string) => answer(path.endsWith('ingresses') ? ingresses : gateways),
    send: () => Promise.resolve({}),
  } as unknown as KubernetesClient;
  return new ReferrerNudger(client).nudge({ namespace: 'web', name: 'www', uid: '' }, 'AB:CD');
}

const forbidden = new KubernetesError('cannot list resource "ingresses"', 403);
const unknown = new KubernetesError('the server could not find the requested resource', 404);

it('a Gateway is nudged though Ingresses may not be seen', async () => {
  expect(await nudge(forbidden, [gateway])).toBe('annotated Gateway web/shop');
});

it.for([
  ['what may not be seen', forbidden, unknown, 'forbidden', 'needs list and patch on ingresses and gateways'],
  [
    'what cannot be asked',
    new Error('the token cannot be read'),
    [],
    'unreachable',
    'the token cannot be read',
  ],
  ['where nothing refers to it', [], unknown, 'managed_elsewhere', 'nothing to nudge'],
] as const)('%s is a refusal of the one certificate', async ([, ingresses, gateways, reason, message]) => {
  const refused = await nudge(ingresses as object[] | Error, gateways as object[] | Error);
  expect(refused).toMatchObject({ reason, message: expect.stringContaining(message) as string });
});
