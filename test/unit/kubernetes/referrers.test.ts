import { expect, test } from 'vitest';
import { REFERRER_KINDS, type Reference, type Referrer } from '../../../src/kubernetes/referrers';

interface Case {
  name: string;
  kind: 'Ingress' | 'Gateway';
  spec: Referrer['spec'];
  expected: Reference[];
}

const gateway = (certificateRefs: object[], hostname?: string) => ({
  listeners: [{ name: 'https', ...(hostname === undefined ? {} : { hostname }), tls: { certificateRefs } }],
});

test.for<Case>([
  {
    name: 'an Ingress asks for the hosts of its tls entries',
    kind: 'Ingress',
    spec: { tls: [{ hosts: ['a.test', 'b.test'], secretName: 'www' }], rules: [{ host: 'c.test' }] },
    expected: [{ namespace: 'shop', secret: 'www', hosts: ['a.test', 'b.test'] }],
  },
  {
    name: 'an Ingress whose tls entry has no hosts asks for those of its rules',
    kind: 'Ingress',
    spec: { tls: [{ secretName: 'www' }], rules: [{ host: 'c.test' }, {}] },
    expected: [{ namespace: 'shop', secret: 'www', hosts: ['c.test'] }],
  },
  {
    name: 'an Ingress without any host asks for every one',
    kind: 'Ingress',
    spec: { tls: [{ secretName: 'www', hosts: null }], rules: [{}] },
    expected: [{ namespace: 'shop', secret: 'www', hosts: null }],
  },
  {
    name: 'an Ingress whose tls entry names no Secret asks for none',
    kind: 'Ingress',
    spec: { tls: [{ hosts: ['a.test'] }] },
    expected: [],
  },
  { name: 'an Ingress without tls asks for none', kind: 'Ingress', spec: { tls: null }, expected: [] },
  {
    name: 'a Gateway asks for the hostname of its listener',
    kind: 'Gateway',
    spec: gateway([{ name: 'www' }], '*.shop.test'),
    expected: [{ namespace: 'shop', secret: 'www', hosts: ['*.shop.test'] }],
  },
  {
    name: 'a listener without a hostname asks for every host',
    kind: 'Gateway',
    spec: gateway([{ name: 'www', group: '', kind: 'Secret', namespace: 'shop' }]),
    expected: [
      {
        ...{ namespace: 'shop', secret: 'www', hosts: null },
        listener: { parent: 'Gateway shop/x', section: 'https', only: 'shop' },
      },
    ],
  },
  {
    name: "another namespace's Secret is asked for, and something else than a Secret is not",
    kind: 'Gateway',
    spec: gateway(
      [{ name: 'www', namespace: 'elsewhere' }, { name: 'www', kind: 'ConfigMap' }, {}],
      'a.test',
    ),
    expected: [{ namespace: 'elsewhere', secret: 'www', hosts: ['a.test'] }],
  },
  {
    name: 'a listener that passes TLS through asks for nothing',
    kind: 'Gateway',
    spec: {
      listeners: [{ hostname: 'a.test', tls: { mode: 'Passthrough', certificateRefs: [{ name: 'www' }] } }],
    },
    expected: [],
  },
])('$name', ({ kind, spec, expected }) => {
  const referencesOf = REFERRER_KINDS.find((each) => each.kind === kind)?.referencesOf;
  const metadata = { name: 'x', namespace: 'shop', resourceVersion: '1' };
  expect(referencesOf?.({ metadata, ...(spec === undefined ? {} : { spec }) })).toEqual(expected);
});
